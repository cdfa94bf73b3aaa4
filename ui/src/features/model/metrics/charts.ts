/** Series of one or more runs as charts: one per (label, x-label), a line per trust, their mean and range. */
import type { Series } from '@/api/types';

export interface Line {
  key: string;
  trust: string | null;
  /** Which run of those compared: 0 is the one that is looked at. */
  run: number;
  points: readonly (readonly [number, number])[];
}
export interface Chart {
  key: string;
  label: string;
  xLabel: string;
  lines: Line[];
}

export function chartsOf(runs: readonly (readonly Series[])[]): Chart[] {
  const charts = new Map<string, Chart>();
  runs.forEach((series, run) => {
    for (const one of series) {
      const key = `${one.label} by ${one.x_label}`;
      const chart = charts.get(key) ?? { key, label: one.label, xLabel: one.x_label, lines: [] };
      charts.set(key, chart);
      chart.lines.push({
        key: `${run}:${one.trust ?? ''}`,
        trust: one.trust,
        run,
        points: one.points as [number, number][],
      });
    }
  });
  for (const chart of charts.values()) {
    chart.lines.sort(
      (a, b) =>
        a.run - b.run ||
        Number(a.trust === null) - Number(b.trust === null) ||
        (a.trust ?? '').localeCompare(b.trust ?? ''),
    );
  }
  return [...charts.values()].sort((a, b) => a.key.localeCompare(b.key));
}

/** Charts of which nothing has changed keep their identity, so that only the others are drawn again. */
export function kept(before: readonly Chart[], now: readonly Chart[]): Chart[] {
  const known = new Map(before.map((chart) => [chart.key, chart]));
  return now.map((chart) => {
    const old = known.get(chart.key);
    const same =
      old?.lines.length === chart.lines.length &&
      chart.lines.every(
        (line, index) => line.points === old.lines[index]?.points && line.key === old.lines[index]?.key,
      );
    return same ? old : chart;
  });
}

export interface Table {
  x: number[];
  /** One row of values per line, in the lines' order; null where a line has no point. */
  lines: (number | null)[][];
  mean: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

/** Lines on one x axis. Mean and range are over the trusts of the first run, where at least two have a value. */
export function tableOf(chart: Chart, smoothing: number): Table {
  const x = sharedX(chart.lines) ?? everyX(chart.lines);
  const place = new Map(x.map((value, index) => [value, index]));
  const lines = chart.lines.map((line) => {
    const points = smoothed(line.points, smoothing);
    if (points.length === x.length) return points.map(([, value]) => value);
    const row = new Array<number | null>(x.length).fill(null);
    for (const [px, value] of points) row[place.get(px) as number] = value;
    return row;
  });
  const own = lines.filter((_, index) => chart.lines[index]?.run === 0 && chart.lines[index]?.trust !== null);
  const mean: (number | null)[] = [];
  const low: (number | null)[] = [];
  const high: (number | null)[] = [];
  for (let index = 0; index < x.length; index += 1) {
    let count = 0;
    let sum = 0;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const row of own) {
      const value = row[index];
      if (value == null) continue;
      count += 1;
      sum += value;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    mean.push(count > 1 ? sum / count : null);
    low.push(count > 1 ? least : null);
    high.push(count > 1 ? most : null);
  }
  return { x, lines, mean, low, high };
}

/** The x of all lines, if they are the same, as those of trusts that train in step are. */
function sharedX(lines: readonly Line[]): number[] | null {
  const [first, ...rest] = lines.map((line) => line.points);
  if (!first) return [];
  const same = rest.every(
    (points) => points.length === first.length && points.every((point, index) => point[0] === first[index]?.[0]),
  );
  const grows = first.every(
    (point, index) => index === 0 || (first[index - 1] as readonly [number, number])[0] < point[0],
  );
  return same && grows ? first.map(([x]) => x) : null;
}

function everyX(lines: readonly Line[]): number[] {
  const xs = new Set<number>();
  for (const line of lines) for (const [x] of line.points) xs.add(x);
  return [...Float64Array.from(xs).sort()];
}

/** Exponential smoothing without bias at the start; 0 changes nothing. */
export function smoothed(
  points: readonly (readonly [number, number])[],
  smoothing: number,
): readonly (readonly [number, number])[] {
  if (smoothing <= 0) return points;
  let last = 0;
  let weight = 0;
  return points.map(([x, value]) => {
    if (!Number.isFinite(value)) return [x, value];
    last = last * smoothing + (1 - smoothing) * value;
    weight = weight * smoothing + (1 - smoothing);
    return [x, last / weight];
  });
}
