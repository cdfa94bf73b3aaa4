import { expect, test } from 'vitest';
import type { Table } from './charts';
import { thin } from './thin';

const tableOf = (x: number[], ...lines: (number | null)[][]): Table => ({
  x,
  lines,
  mean: lines[0] ?? [],
  low: lines[0] ?? [],
  high: lines[0] ?? [],
});

test('a table that fits is drawn as it is', () => {
  const table = tableOf([1, 2, 3], [4, 5, 6]);
  expect(thin(table, 1, 3, 100)).toBe(table);
});

test('the one spike of ten thousand points survives, up and down, in order', () => {
  const x = Array.from({ length: 10_000 }, (_, index) => index);
  const line = x.map((one) => (one === 4321 ? 9 : one === 4322 ? -9 : 0));
  const thinned = thin(tableOf(x, line), 0, 9999, 200);
  expect(thinned.x.length).toBeLessThanOrEqual(400);
  const row = thinned.lines[0] as number[];
  expect(row.indexOf(9)).toBeGreaterThan(-1);
  expect(row.indexOf(-9)).toBe(row.indexOf(9) + 1);
  expect(Math.max(...(thinned.high as number[]))).toBe(9);
  expect(Math.min(...(thinned.low as number[]))).toBe(-9);
});

test('x only grows, and its ends stay', () => {
  const x = Array.from({ length: 5000 }, (_, index) => index ** 1.3);
  const thinned = thin(
    tableOf(
      x,
      x.map((one) => one),
    ),
    0,
    x.at(-1) as number,
    100,
  );
  expect(thinned.x[0]).toBe(0);
  expect(thinned.x.at(-1)).toBe(x.at(-1));
  expect(thinned.x.every((one, index) => index === 0 || one >= (thinned.x[index - 1] as number))).toBe(true);
});

test('zoomed in, only the part and its neighbours are left, in full where they fit', () => {
  const x = Array.from({ length: 1000 }, (_, index) => index);
  const part = thin(tableOf(x, x), 100, 110, 50);
  expect(part.x[0]).toBe(99);
  expect(part.x.at(-1)).toBe(111);
  expect(part.lines[0]?.length).toBe(part.x.length);
});

test('a line without a point in a bucket stays empty there', () => {
  const x = Array.from({ length: 1000 }, (_, index) => index);
  const half = x.map((one) => (one < 500 ? one : null));
  const row = thin(tableOf(x, x, half), 0, 999, 50).lines[1] as (number | null)[];
  expect(row.slice(-10)).toEqual(new Array(10).fill(null));
});
