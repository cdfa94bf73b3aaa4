/** The trusts' summaries of each selected column, side by side: one chart per column, one part per trust in a cell. */
import type { CohortAnswer } from '@/api/types';

export interface Part {
  trust: string;
  /** Null: somebody is there, but fewer than the trust tells. */
  count: number | null;
}

export interface ChartCell {
  key: string;
  label: string;
  other: boolean;
  low: number | string | null;
  parts: Part[];
  /** Sum of what was told. */
  known: number;
  suppressed: number;
}

export interface ColumnChart {
  name: string;
  kind: 'category' | 'histogram' | 'date';
  cells: ChartCell[];
  missing: Part[];
  /** The lowest count that some trust tells. */
  threshold: number;
  margin: number | null;
  /** Spent by each trust that answered with noise, the largest. */
  epsilon: number | null;
}

type Result = NonNullable<CohortAnswer['result']>;
type Summary = Pick<
  NonNullable<Result['columns']>[number],
  'name' | 'kind' | 'cells' | 'missing' | 'margin' | 'epsilon'
>;

/** Of older trusts the histograms that were the same for each query. */
function summaries(result: Result): Summary[] {
  if (result.columns?.length) return result.columns;
  return (result.histograms ?? []).map((histogram) => ({
    name: histogram.name,
    kind: 'category' as const,
    missing: 0,
    cells: histogram.cells.map((cell) => ({
      label: cell.value,
      count: cell.count,
      low: null,
      high: null,
      other: false,
    })),
  }));
}

export function columnCharts(answers: readonly CohortAnswer[]): ColumnChart[] {
  const charts = new Map<string, ColumnChart>();
  for (const { trust, result } of answers) {
    if (!result || result.suppressed) continue;
    for (const summary of summaries(result)) {
      const key = `${summary.name}\u0000${summary.kind}`;
      const chart = charts.get(key) ?? {
        name: summary.name,
        kind: summary.kind,
        cells: [],
        missing: [],
        threshold: result.threshold,
        margin: null,
        epsilon: null,
      };
      charts.set(key, chart);
      chart.threshold = Math.max(chart.threshold, result.threshold);
      if (summary.missing !== 0) chart.missing.push({ trust, count: summary.missing });
      if (summary.margin != null) chart.margin = (chart.margin ?? 0) + summary.margin;
      if (summary.epsilon != null) chart.epsilon = Math.max(chart.epsilon ?? 0, summary.epsilon);
      for (const cell of summary.cells) addCell(chart, trust, cell);
    }
  }
  for (const chart of charts.values()) chart.cells.sort(chart.kind === 'category' ? bySize : byBound);
  return [...charts.values()];
}

function addCell(chart: ColumnChart, trust: string, cell: Summary['cells'][number]) {
  const other = cell.other ?? false;
  const low = cell.low ?? null;
  const key = chart.kind === 'category' ? `${other}:${cell.label}` : `${cell.low}:${cell.high}`;
  let found = chart.cells.find((one) => one.key === key);
  if (!found) {
    const label =
      chart.kind === 'category' ? (other ? 'All others' : cell.label || '(empty)') : bounds(low, cell.high ?? null);
    found = { key, label, other, low, parts: [], known: 0, suppressed: 0 };
    chart.cells.push(found);
  }
  found.parts.push({ trust, count: cell.count });
  if (cell.count === null) found.suppressed += 1;
  else found.known += cell.count;
}

const bySize = (a: ChartCell, b: ChartCell) =>
  Number(a.other) - Number(b.other) || b.known - a.known || a.label.localeCompare(b.label);

function byBound(a: ChartCell, b: ChartCell): number {
  if (a.low === null || b.low === null) return Number(a.low !== null) - Number(b.low !== null);
  return typeof a.low === 'number' && typeof b.low === 'number'
    ? a.low - b.low
    : String(a.low).localeCompare(String(b.low));
}

function bounds(low: number | string | null, high: number | string | null): string {
  const text = (bound: number | string) =>
    typeof bound === 'number' ? String(Number(bound.toPrecision(6))) : bound.slice(0, 10);
  if (low === null && high === null) return 'all';
  if (low === null) return `< ${text(high as number | string)}`;
  if (high === null) return `≥ ${text(low)}`;
  return `${text(low)} – ${text(high)}`;
}
