/** Rounds over time, a lane per trust and one for the hub. */
import { Tooltip } from '@mantine/core';
import type { CSSProperties } from 'react';
import { duration } from '@/app/time';
import { TrustName } from '@/components/TrustName';
import { useTrustLook } from '@/components/trusts';
import type { Bar, Lane } from './story';
import classes from './Waterfall.module.css';

const KINDS: Record<Bar['kind'], string> = {
  wait: 'waits',
  join: 'joins',
  way: 'sends',
  train: 'trains',
  aggregate: 'aggregates',
};

export function Waterfall({ lanes }: { lanes: Lane[] }) {
  const look = useTrustLook();
  const bars = lanes.flatMap((lane) => lane.bars);
  if (!bars.length) return null;
  const start = Math.min(...bars.map((bar) => bar.from));
  const end = Math.max(...bars.map((bar) => bar.to), start + 1000);
  const share = (ms: number) => (100 * (ms - start)) / (end - start);
  return (
    <div className={classes.chart} data-testid="waterfall">
      {lanes.map((lane) => (
        <div key={lane.name} className={classes.lane}>
          <div className={classes.name}>{lane.trust ? <TrustName name={lane.name} /> : <b>{lane.name}</b>}</div>
          <div className={classes.track} role="img" aria-label={spoken(lane)}>
            {lane.bars.map((bar) => (
              <Tooltip
                key={`${bar.kind}${bar.from}${bar.round}`}
                label={`${bar.label}: ${duration((bar.to - bar.from) / 1000)}${bar.open ? ' so far' : ''}`}
              >
                <span
                  className={classes.bar}
                  data-kind={bar.kind}
                  data-open={bar.open || undefined}
                  data-failed={bar.failed || undefined}
                  style={
                    {
                      left: `${share(bar.from)}%`,
                      width: `max(3px, calc(${share(bar.to) - share(bar.from)}% - 1.5px))`,
                      ...(bar.kind === 'train' || bar.kind === 'way' ? { '--own': look(lane.name).colour } : {}),
                    } as CSSProperties
                  }
                >
                  {bar.kind === 'train' && share(bar.to) - share(bar.from) > 3.5 ? bar.round : null}
                </span>
              </Tooltip>
            ))}
          </div>
        </div>
      ))}
      <div className={classes.lane}>
        <div />
        <div className={`${classes.axis} num`} aria-hidden>
          <span>0 s</span>
          <span>{duration((end - start) / 2000)}</span>
          <span>{duration((end - start) / 1000)}</span>
        </div>
      </div>
    </div>
  );
}

function spoken(lane: Lane): string {
  const parts = lane.bars.map(
    (bar) => `${bar.round ? `round ${bar.round} ` : ''}${KINDS[bar.kind]} ${duration((bar.to - bar.from) / 1000)}`,
  );
  return `${lane.name}: ${parts.join(', ')}`;
}
