import { expect, test } from 'vitest';
import type { Timeline } from '@/api/types';
import { lanes, secondsLeft } from './story';

const at = (second: number) => new Date(Date.UTC(2026, 10, 25, 10, 0, second)).toISOString();
const ms = (second: number) => Date.parse(at(second));
type Round = Timeline['rounds'][number];
type Exchange = Round['trusts'][number];

const exchange = (trust: string, from: number, to: number | null, computed: number | null = null): Exchange => ({
  trust,
  phase: 'train',
  sent_at: at(from),
  replied_at: to === null ? null : at(to),
  seconds: to === null ? null : to - from,
  computed_seconds: computed,
  sent_bytes: 1,
  reply_bytes: 1,
  error: '',
});
const timeline = (round: Partial<Round>): Timeline => ({
  phases: [
    { name: 'queued', at: at(0), until: at(2) },
    { name: 'starting', at: at(2), until: at(5) },
    { name: 'running', at: at(5), until: null },
  ],
  trusts: ['alpha', 'beta'].map((trust) => ({
    trust,
    joined_at: at(3),
    online_at: at(4),
    left_at: null,
    outcome: '',
    errors: [],
  })),
  rounds: [{ round: 1, sent_at: at(10), nodes: 2, aggregated: [], trusts: [], ...round }],
});
const running = { finished_at: null };
const trained = { phase: 'train', at: at(20), results: 2, failures: 0, errors: [] };

test('a trust that has answered has a closed bar, one that still trains an open one', () => {
  const [, alpha, beta] = lanes(timeline({ trusts: [exchange('alpha', 10, 14)] }), running, ms(16));
  expect(alpha?.bars.at(-1)).toMatchObject({ kind: 'train', from: ms(10), to: ms(14), round: 1, open: false });
  expect(beta?.bars.at(-1)).toMatchObject({ kind: 'train', from: ms(10), to: ms(16), open: true });
});

test('the way there and back is told apart from the computing', () => {
  const [, alpha] = lanes(timeline({ trusts: [exchange('alpha', 10, 14, 2)] }), running, ms(16));
  expect(alpha?.bars.slice(-3).map((bar) => [bar.kind, bar.from, bar.to])).toEqual([
    ['way', ms(10), ms(11)],
    ['train', ms(11), ms(13)],
    ['way', ms(13), ms(14)],
  ]);
});

test('a round is aggregated from its last answer on', () => {
  const [hub] = lanes(
    timeline({ trusts: [exchange('alpha', 10, 14), exchange('beta', 10, 18)], aggregated: [trained] }),
    running,
    ms(22),
  );
  expect(hub?.bars.at(-1)).toMatchObject({ kind: 'aggregate', from: ms(18), to: ms(20) });
});

test('nothing of a finished run is shown as going on', () => {
  const all = lanes(timeline({ trusts: [exchange('alpha', 10, null)] }), { finished_at: at(30) }, ms(99));
  expect(all.flatMap((lane) => lane.bars).some((bar) => bar.open || bar.to > ms(30))).toBe(false);
});

test('the time that is left is told once a round is done, and never below zero', () => {
  expect(secondsLeft(timeline({}), 3, ms(16))).toBeNull();
  const done = timeline({ aggregated: [trained] });
  expect(secondsLeft(done, 3, ms(22))).toBe(18);
  expect(secondsLeft(done, 3, ms(90))).toBe(0);
});
