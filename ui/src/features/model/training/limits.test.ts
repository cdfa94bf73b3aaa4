import { expect, test } from 'vitest';
import { NO_LIMITS, optionsOf } from './limits';

test('what is left empty stays the hub’s own', () => {
  expect(optionsOf(NO_LIMITS, 3)).toEqual({ min_trusts: 1 });
});

test('minutes and hours become seconds', () => {
  expect(optionsOf({ needed: 2, joinMinutes: 1.5, runHours: 2, silentMinutes: 10 }, 3)).toEqual({
    min_trusts: 2,
    join_seconds: 90,
    run_seconds: 7200,
    no_progress_seconds: 600,
  });
});

test('no more trusts are needed than are asked', () => {
  expect(optionsOf({ needed: 5 }, 2)).toEqual({ min_trusts: 2 });
});
