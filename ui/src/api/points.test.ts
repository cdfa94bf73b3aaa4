import { expect, test } from 'vitest';
import { withPoints } from './points';
import type { Series } from './types';

const series = (points: [number, number][]) =>
  [{ trust: 'alpha', label: 'LOSS', x_label: 'round', points }] as unknown as Series[];

test('a new point goes to its own line, and a new line is begun for a trust that had none', () => {
  const grown = withPoints(series([[1, 3]]), { trust: 'alpha', points: [['LOSS', 'round', 2, 2]] });
  expect(grown[0]?.points).toEqual([
    [1, 3],
    [2, 2],
  ]);
  const beta = withPoints(grown, { trust: 'beta', points: [['LOSS', 'round', 1, 9]] });
  expect(beta.map((one) => [one.trust, one.points.length])).toEqual([
    ['alpha', 2],
    ['beta', 1],
  ]);
});

test('a point that was read and then told again is there once, and late points find their place', () => {
  const before = series([
    [1, 3],
    [3, 1],
  ]);
  const [line] = withPoints(before, {
    trust: 'alpha',
    points: [
      ['LOSS', 'round', 3, 1],
      ['LOSS', 'round', 2, 2],
    ],
  });
  expect(line?.points).toEqual([
    [1, 3],
    [2, 2],
    [3, 1],
  ]);
});
