import { expect, test } from 'vitest';
import { freshness } from './freshness';

test('nothing older than five seconds is shown as live', () => {
  expect(freshness(0, false, 4_999)).toEqual({ kind: 'live' });
  expect(freshness(0, false, 5_000)).toEqual({ kind: 'stale', seconds: 5 });
});

test('a hub that does not answer is told at once', () => {
  expect(freshness(0, true, 900)).toEqual({ kind: 'away', seconds: 0 });
});
