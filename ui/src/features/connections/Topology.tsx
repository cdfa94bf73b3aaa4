/** The federation drawn: the hub, and a line to each trust that says by colour, dash and sign how it is. */
import type { Trust } from '@/api/types';
import { HEIGHT, placesOf, WIDTH } from './place';
import { ailing, CONNECTION } from './state';
import classes from './Topology.module.css';

export function Topology({ trusts }: { trusts: Trust[] }) {
  const places = placesOf(trusts.length);
  const named = trusts.length <= 20;
  const said = trusts.map((trust) => `${trust.name}: ${CONNECTION[trust.connection]?.word ?? trust.connection}`);
  return (
    <>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className={classes.drawing}
        role="img"
        aria-label={`The hub and ${trusts.length} trusts. ${said.join('. ')}.`}
        data-testid="topology"
      >
        {trusts.map((trust, index) => {
          const { x, y } = places[index] as { x: number; y: number };
          return (
            <line
              key={trust.id}
              className={classes.line}
              data-connection={trust.connection}
              x1={x}
              y1={y}
              x2={WIDTH / 2}
              y2={HEIGHT / 2}
            />
          );
        })}
        <circle className={classes.hub} cx={WIDTH / 2} cy={HEIGHT / 2} r={25} />
        <text className={classes.hubName} x={WIDTH / 2} y={HEIGHT / 2 + 4.5}>
          Hub
        </text>
        {trusts.map((trust, index) => (
          <Node key={trust.id} trust={trust} at={places[index] as { x: number; y: number }} named={named} />
        ))}
      </svg>
      <ul className={classes.legend} aria-hidden>
        <li data-connection="online">online</li>
        <li data-connection="offline">offline</li>
        <li data-connection="never">not enrolled yet</li>
        <li data-connection="revoked">revoked</li>
      </ul>
    </>
  );
}

const SIGNS: Record<string, string> = { online: '✓', offline: '!', never: '…', revoked: '×' };

function Node({ trust, at, named }: { trust: Trust; at: { x: number; y: number }; named: boolean }) {
  const ill = trust.online && ailing(trust).length > 0;
  const above = at.y < HEIGHT / 2 - 1;
  return (
    <g className={classes.node} data-connection={trust.connection} data-ill={ill || undefined}>
      <circle cx={at.x} cy={at.y} r={13} />
      <text className={classes.sign} x={at.x} y={at.y + 4.5}>
        {ill ? '!' : SIGNS[trust.connection]}
      </text>
      {named && (
        <text className={classes.name} x={at.x} y={above ? at.y - 20 : at.y + 29}>
          {trust.name}
        </text>
      )}
    </g>
  );
}
