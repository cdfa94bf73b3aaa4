/** Under a chart: each line's value at the cursor, or its last one. */
import { useEffect, useImperativeHandle, useRef, useState } from 'react';
import type { TrustLook } from '@/components/trusts';
import type { Feed, Shape } from './feed';
import { frames } from './frames';
import classes from './MetricsPanel.module.css';
import type { CursorValues } from './Plot';

export interface ValuesHandle {
  show: (cursor: CursorValues | null) => void;
}
interface Props {
  feed: Feed;
  shape: Shape;
  look: (trust: string) => TrustLook;
  handle: React.Ref<ValuesHandle>;
}

export function Values({ feed, shape, look, handle }: Props) {
  const [cursor, setCursor] = useState<CursorValues | null>(null);
  const [last, setLast] = useState<(number | null)[]>([]);
  const self = useRef({});
  useImperativeHandle(handle, () => ({ show: setCursor }));
  useEffect(() => {
    const read = () => setLast(feed.get(shape.key)?.lines.map((line) => line.points.at(-1)?.[1] ?? null) ?? []);
    read();
    const whose = self.current;
    const leave = feed.follow(shape.key, () => frames.add(whose, read));
    return () => {
      leave();
      frames.drop(whose);
    };
  }, [feed, shape]);
  const values = cursor?.lines ?? last;
  return (
    <ul className={`${classes.values} num`}>
      {shape.lines.map((line, index) => (
        <li key={line.key}>
          <i
            style={{ background: line.trust ? look(line.trust).colour : 'var(--mantine-color-text)' }}
            data-compared={line.run || undefined}
          />
          {line.trust ?? 'server'}
          {line.run > 0 && ' (compared)'} <b>{shown(values[index] ?? null)}</b>
        </li>
      ))}
      {cursor?.mean != null && (
        <li>
          <i className={classes.meanMark} />
          mean <b>{shown(cursor.mean)}</b>
        </li>
      )}
      {cursor && (
        <li>
          at {shape.xLabel} <b>{cursor.x}</b>
        </li>
      )}
    </ul>
  );
}

const shown = (value: number | null) =>
  value === null
    ? '–'
    : Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)
      ? value.toExponential(2)
      : String(Number(value.toPrecision(4)));
