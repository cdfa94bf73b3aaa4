import { expect, test } from 'vitest';
import { lacksTime, NO_LIMITS, optionsOf } from './limits';

const NONE = { min_trusts: 1, on_crash: 'resume', on_slow_trust: 'drop' };

test('what is left empty stays the hub’s own', () => {
  expect(optionsOf(NO_LIMITS, 3)).toEqual(NONE);
});

test('minutes and hours become seconds', () => {
  expect(optionsOf({ ...NO_LIMITS, needed: 2, joinMinutes: 1.5, runHours: 2, silentMinutes: 10 }, 3)).toEqual({
    ...NONE,
    min_trusts: 2,
    join_seconds: 90,
    run_seconds: 7200,
    no_progress_seconds: 600,
  });
});

test('no more trusts are needed than are asked', () => {
  expect(optionsOf({ ...NO_LIMITS, needed: 5 }, 2)).toEqual({ ...NONE, min_trusts: 2 });
});

test('a round’s time goes with the rule that it belongs to, and with no other', () => {
  const minimum = { ...NO_LIMITS, onSlowTrust: 'minimum' as const };
  expect(lacksTime(minimum)).toBe(true);
  expect(lacksTime({ ...minimum, roundMinutes: 2 })).toBe(false);
  expect(optionsOf({ ...minimum, roundMinutes: 2 }, 3)).toMatchObject({ on_slow_trust: 'minimum', round_seconds: 120 });
  expect(optionsOf({ ...NO_LIMITS, roundMinutes: 2 }, 3)).toEqual(NONE);
});
