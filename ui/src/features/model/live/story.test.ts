import { expect, test } from 'vitest';
import type { Run, RunEvent } from '@/api/types';
import { lanes, secondsLeft } from './story';

const at = (second: number) => new Date(Date.UTC(2026, 10, 25, 10, 0, second)).toISOString();
const ms = (second: number) => Date.parse(at(second));
const run = {
  created_at: at(0),
  starting_at: at(2),
  running_at: at(5),
  finished_at: null,
  trusts: [{ trust: 'alpha' }, { trust: 'beta' }],
} as Run;
const event = (second: number, kind: string, payload: Record<string, unknown> = {}) =>
  ({ id: second, at: at(second), kind, text: '', payload }) as RunEvent;

const ROUND = [event(10, 'round_sent', { round: 1 }), event(14, 'round_trust', { round: 1, trust: 'alpha' })];

test('a trust that has answered has a closed bar, one that still trains an open one', () => {
  const [, alpha, beta] = lanes(run, ROUND, ms(16));
  expect(alpha?.bars.at(-1)).toMatchObject({ kind: 'train', from: ms(10), to: ms(14), round: 1 });
  expect(beta?.bars.at(-1)).toMatchObject({ kind: 'train', to: ms(16), open: true });
});

test('a round is aggregated from its last answer on', () => {
  const [hub] = lanes(run, [...ROUND, event(17, 'round_trust', { round: 1, trust: 'beta' }), event(18, 'round_done', { round: 1 })], ms(20));
  expect(hub?.bars.at(-1)).toMatchObject({ kind: 'aggregate', from: ms(17), to: ms(18) });
});

test('the time that is left is told once a round is done, and never below zero', () => {
  expect(secondsLeft(run, ROUND, 3, ms(16))).toBeNull();
  const done = [...ROUND, event(20, 'round_done', { round: 1 })];
  expect(secondsLeft(run, done, 3, ms(22))).toBe(18);
  expect(secondsLeft(run, done, 3, ms(90))).toBe(0);
});
