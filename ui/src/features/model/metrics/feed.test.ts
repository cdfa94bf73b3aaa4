import { expect, test } from 'vitest';
import { chartsOf } from './charts';
import { Feed } from './feed';

const charts = (dice: number, ...trusts: string[]) =>
  chartsOf([
    ['DICE', 'LOSS'].flatMap((label) =>
      trusts.map((trust) => ({
        trust,
        label,
        x_label: 'round',
        total: 1,
        points: LOSS.get(label + trust) ?? keep(label + trust, [[1, label === 'DICE' ? dice : 5]]),
      })),
    ),
  ]);
const LOSS = new Map<string, [number, number][]>();
function keep(key: string, points: [number, number][]) {
  if (key.startsWith('LOSS')) LOSS.set(key, points);
  return points;
}

test('a new point tells its own chart, and no shape changes', () => {
  const feed = new Feed();
  feed.put(charts(1, 'a'));
  const told: string[] = [];
  feed.follow('DICE by round', () => told.push('dice'));
  feed.follow('LOSS by round', () => told.push('loss'));
  feed.followShapes(() => told.push('shapes'));
  const before = feed.shapes;
  feed.put(charts(2, 'a'));
  expect(told).toEqual(['dice']);
  expect(feed.shapes).toBe(before);
  expect(feed.get('DICE by round')?.lines[0]?.points).toEqual([[1, 2]]);
});

test('a new trust changes the shapes', () => {
  const feed = new Feed();
  feed.put(charts(1, 'a'));
  let told = 0;
  feed.followShapes(() => {
    told += 1;
  });
  feed.put(charts(1, 'a', 'b'));
  expect(told).toBe(1);
  expect(feed.shapes[0]?.lines.map((line) => line.trust)).toEqual(['a', 'b']);
});
