/** Metric points as they arrive, added to the series that a chart shows. */
import type { QueryClient } from '@tanstack/react-query';
import type { Series } from './types';

export interface MetricsPayload {
  trust: string | null;
  /** `[label, x_label, x, value]` */
  points: [string, string, number, number][];
  left_out?: number;
}

/** False where the series have to be read again: not read yet, being read just now, or the event left points out. */
export function appendPoints(queries: QueryClient, runId: string, payload: MetricsPayload): boolean {
  const key = ['run', runId, 'metrics'];
  const before = queries.getQueryData<Series[]>(key);
  if (!before || queries.isFetching({ queryKey: key }) || payload.left_out || !Array.isArray(payload.points))
    return false;
  queries.setQueryData(key, withPoints(before, payload));
  return true;
}

export function withPoints(before: readonly Series[], { trust, points }: MetricsPayload): Series[] {
  const grown = new Map<Series, [number, number][]>();
  const series = [...before];
  for (const [label, xLabel, x, value] of points) {
    let found = series.find((one) => one.trust === trust && one.label === label && one.x_label === xLabel);
    if (!found) {
      found = { trust, label, x_label: xLabel, points: [] as [number, number][] } as unknown as Series;
      series.push(found);
    }
    const fresh = grown.get(found) ?? [];
    fresh.push([x, value]);
    grown.set(found, fresh);
  }
  return series.map((one) => {
    const fresh = grown.get(one);
    if (!fresh) return one;
    const all = [...(one.points as [number, number][]), ...fresh];
    const inOrder = all.every((point, index) => index === 0 || (all[index - 1] as [number, number])[0] < point[0]);
    return { ...one, points: inOrder ? all : sortedOnce(all) };
  });
}

/** In order of x; what was both read and told is there once. */
function sortedOnce(points: [number, number][]): [number, number][] {
  points.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return points.filter((point, index) => {
    const before = points[index - 1];
    return !before || before[0] !== point[0] || before[1] !== point[1];
  });
}
