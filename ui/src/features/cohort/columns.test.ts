import { expect, test } from 'vitest';
import type { CohortAnswer } from '@/api/types';
import { columnCharts } from './columns';

type Cell = Column['cells'][number];
type Column = NonNullable<NonNullable<CohortAnswer['result']>['columns']>[number];

function answer(trust: string, columns: Column[], suppressed = false): CohortAnswer {
  const result = {
    persons: 50,
    accessions: 50,
    suppressed,
    threshold: 10,
    rounded_to: 5,
    columns,
  } as CohortAnswer['result'];
  return { trust, state: 'answered', result, error: null, answered_at: null };
}
const cell = (part: Partial<Cell>): Cell => ({ label: '', low: null, high: null, other: false, count: 0, ...part });
const sexes = (cells: Column['cells']): Column => ({ name: 'sex', kind: 'category', cells, missing: 0 }) as Column;

test('a suppressed cell adds nothing to the sum and is counted as suppressed, never as zero', () => {
  const [chart] = columnCharts([
    answer('alpha', [sexes([cell({ label: '8507', count: 20 })])]),
    answer('beta', [sexes([cell({ label: '8507', count: null })])]),
  ]);
  expect(chart?.cells).toMatchObject([
    { label: '8507', known: 20, suppressed: 1, parts: [{ count: 20 }, { count: null }] },
  ]);
});

test('a suppressed answer has no part in any chart', () => {
  expect(columnCharts([answer('alpha', [sexes([cell({ label: '8507', count: 20 })])], true)])).toEqual([]);
});

test('categories come by size with all others last; bins come by their bounds with the open one first', () => {
  const [category] = columnCharts([
    answer('alpha', [
      sexes([
        cell({ label: '', other: true, count: 90 }),
        cell({ label: 'a', count: 5 }),
        cell({ label: 'b', count: 9 }),
      ]),
    ]),
  ]);
  expect(category?.cells.map((cell) => cell.label)).toEqual(['b', 'a', 'All others']);
  const born = (cells: Column['cells']) => ({ name: 'born', kind: 'histogram', cells, missing: null }) as Column;
  const [bins] = columnCharts([
    answer('alpha', [born([cell({ low: 1960, high: 1980, count: 10 }), cell({ low: null, high: 1940, count: 20 })])]),
    answer('beta', [born([cell({ low: 1940, high: 1960, count: 30 })])]),
  ]);
  expect(bins?.cells.map((cell) => cell.label)).toEqual(['< 1940', '1940 – 1960', '1960 – 1980']);
  expect(bins?.missing).toEqual([
    { trust: 'alpha', count: null },
    { trust: 'beta', count: null },
  ]);
});
