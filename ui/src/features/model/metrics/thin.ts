/** A table as coarse as its drawing: where a pixel would hold many points of a line, its least and its greatest stay. */
import type { Table } from './charts';

/**
 * The part of `table` with `from <= x <= to` (and the neighbours, so that lines reach the edges) in at most
 * `2 * buckets` rows. A line keeps the least and the greatest value of each bucket, in their order.
 */
export function thin(table: Table, from: number, to: number, buckets: number): Table {
  const { x } = table;
  const first = Math.max(0, firstAtLeast(x, from) - 1);
  const last = Math.min(x.length - 1, firstAtLeast(x, to) + 1);
  const count = last - first + 1;
  if (count <= 2 * buckets) return count === x.length ? table : part(table, first, last + 1);
  const starts = bucketStarts(x, first, last, buckets);
  const xs: number[] = [];
  for (const [start, end] of starts) xs.push(x[start] as number, x[end - 1] as number);
  return {
    x: xs,
    lines: table.lines.map((row) => extremes(row, starts)),
    mean: pairs(table.mean, starts, average),
    low: pairs(table.low, starts, least),
    high: pairs(table.high, starts, greatest),
  };
}

type Row = readonly (number | null)[];
type Spans = readonly (readonly [number, number])[];

function part(table: Table, start: number, end: number): Table {
  return {
    x: table.x.slice(start, end),
    lines: table.lines.map((row) => row.slice(start, end)),
    mean: table.mean.slice(start, end),
    low: table.low.slice(start, end),
    high: table.high.slice(start, end),
  };
}

/** Buckets of equal width in x that hold at least two rows; a lone row joins the one before it. */
function bucketStarts(x: readonly number[], first: number, last: number, buckets: number): Spans {
  const low = x[first] as number;
  const width = ((x[last] as number) - low) / buckets || 1;
  const spans: [number, number][] = [];
  let start = first;
  let bucket = 0;
  for (let index = first + 1; index <= last + 1; index += 1) {
    const place = index > last ? Number.POSITIVE_INFINITY : Math.floor(((x[index] as number) - low) / width);
    if (place === bucket) continue;
    const before = spans.at(-1);
    if (index - start === 1 && before) before[1] = index;
    else if (index - start > 1 || index > last) spans.push([start, index]);
    else continue; // the first row alone waits for the next
    start = index;
    bucket = place;
  }
  return spans;
}

function extremes(row: Row, spans: Spans): (number | null)[] {
  const thinned: (number | null)[] = [];
  for (const [start, end] of spans) {
    let low = -1;
    let high = -1;
    for (let index = start; index < end; index += 1) {
      const value = row[index];
      if (value == null) continue;
      if (low < 0 || value < (row[low] as number)) low = index;
      if (high < 0 || value > (row[high] as number)) high = index;
    }
    if (low < 0) thinned.push(null, null);
    else thinned.push(row[Math.min(low, high)] as number, low === high ? null : (row[Math.max(low, high)] as number));
  }
  return thinned;
}

function pairs(row: Row, spans: Spans, of: (values: number[]) => number): (number | null)[] {
  return spans.flatMap(([start, end]) => {
    const values = row.slice(start, end).filter((value): value is number => value !== null);
    const one = values.length ? of(values) : null;
    return [one, one];
  });
}

const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const least = (values: number[]) => values.reduce((one, value) => Math.min(one, value));
const greatest = (values: number[]) => values.reduce((one, value) => Math.max(one, value));

/** Index of the first x that is at least `value`; the length if there is none. */
export function firstAtLeast(x: readonly number[], value: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
