/** A small picture of a metric, one line per trust. */
import { useTrustLook } from './trusts';

interface Props {
  label: string;
  lines: { trust: string; points: readonly [number, number][] }[];
}
const WIDTH = 120;
const HEIGHT = 30;

export function Spark({ label, lines }: Props) {
  const look = useTrustLook();
  const all = lines.flatMap((line) => line.points).filter(([, value]) => Number.isFinite(value));
  if (all.length < 2) return null;
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const place = ([x, y]: readonly [number, number]) =>
    `${(((x - x0) / (x1 - x0 || 1)) * (WIDTH - 4) + 2).toFixed(1)},${(HEIGHT - 3 - ((y - y0) / (y1 - y0 || 1)) * (HEIGHT - 6)).toFixed(1)}`;
  const last = lines.map((line) => line.points.at(-1)?.[1]).filter((value): value is number => value !== undefined);
  const mean = last.reduce((sum, value) => sum + value, 0) / last.length;
  return (
    <div>
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`${label}, last mean ${mean.toPrecision(3)}`}>
        {lines.map((line) => (
          <polyline
            key={line.trust}
            points={line.points.map(place).join(' ')}
            fill="none"
            stroke={look(line.trust).colour}
            strokeWidth={1.6}
            strokeLinejoin="round"
          />
        ))}
      </svg>
      <div className="num" style={{ fontSize: '0.75rem', color: 'var(--muted)' }}>
        {label} {mean.toPrecision(3)}
      </div>
    </div>
  );
}
