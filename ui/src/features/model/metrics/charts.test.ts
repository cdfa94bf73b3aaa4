import { expect, test } from 'vitest';
import type { Series } from '@/api/types';
import { type Chart, chartsOf, kept, smoothed, tableOf } from './charts';

const series = (trust: string | null, label: string, points: [number, number][]): Series => ({
  trust,
  label,
  x_label: 'round',
  total: points.length,
  points,
});

test('each label and x-label is one chart, the server’s line after the trusts’', () => {
  const charts = chartsOf([
    [
      series(null, 'LOSS', [[1, 3]]),
      series('beta', 'LOSS', [[1, 2]]),
      series('alpha', 'LOSS', [[1, 1]]),
      series('alpha', 'DICE', []),
    ],
  ]);
  expect(charts.map((chart) => chart.label)).toEqual(['DICE', 'LOSS']);
  expect(charts[1]?.lines.map((line) => line.trust)).toEqual(['alpha', 'beta', null]);
});

test('mean and range are over the trusts alone, and only where two have a value', () => {
  const [chart] = chartsOf([
    [
      series('a', 'L', [
        [1, 2],
        [2, 4],
      ]),
      series('b', 'L', [[1, 6]]),
      series(null, 'L', [[1, 100]]),
    ],
  ]);
  const table = tableOf(chart as Chart, 0);
  expect(table).toMatchObject({ x: [1, 2], mean: [4, null], low: [2, null], high: [6, null] });
  expect(table.lines).toEqual([
    [2, 4],
    [6, null],
    [100, null],
  ]);
});

test('a compared run has lines but no part in the mean', () => {
  const [chart] = chartsOf([[series('a', 'L', [[1, 2]]), series('b', 'L', [[1, 4]])], [series('a', 'L', [[1, 90]])]]);
  expect(tableOf(chart as Chart, 0).mean).toEqual([3]);
});

test('a chart is kept as it is unless one of its own lines has grown', () => {
  const loss = series('a', 'LOSS', [[1, 1]]);
  const before = chartsOf([[loss, series('a', 'DICE', [[1, 1]])]]);
  const after = kept(
    before,
    chartsOf([
      [
        loss,
        series('a', 'DICE', [
          [1, 1],
          [2, 2],
        ]),
      ],
    ]),
  );
  expect(after.map((chart, index) => chart === before[index])).toEqual([false, true]);
});

test('smoothing starts at the first value and zero leaves the points as they are', () => {
  const points: [number, number][] = [
    [1, 10],
    [2, 0],
  ];
  expect(smoothed(points, 0)).toBe(points);
  expect(smoothed(points, 0.5)[0]).toEqual([1, 10]);
  expect(smoothed(points, 0.5)[1]?.[1]).toBeCloseTo(10 / 3);
});
