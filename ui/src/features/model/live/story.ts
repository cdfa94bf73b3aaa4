/** A run's timeline as bars: the hub's phases, each trust's joining, and each round's way to it and back. */
import type { Run, Timeline } from '@/api/types';

export interface Bar {
  kind: 'wait' | 'join' | 'way' | 'train' | 'aggregate';
  from: number;
  to: number;
  label: string;
  round?: number;
  /** Still going on. */
  open?: boolean;
  failed?: boolean;
}
export interface Lane {
  name: string;
  trust: boolean;
  bars: Bar[];
}

const time = (iso: string) => new Date(iso).getTime();
const WORDS: Record<string, string> = { queued: 'Queued', starting: 'Starting', finalising: 'Collecting the results' };

/** Times in milliseconds since the epoch; `now` closes what is still going on. */
export function lanes(timeline: Timeline, run: Pick<Run, 'finished_at'>, now: number): Lane[] {
  const over = run.finished_at !== null;
  const end = run.finished_at ? time(run.finished_at) : now;
  const hub: Bar[] = timeline.phases.flatMap((phase): Bar[] => {
    const label = WORDS[phase.name];
    return label
      ? [
          {
            kind: 'wait',
            from: time(phase.at),
            to: phase.until ? time(phase.until) : end,
            label,
            open: !phase.until && !over,
          },
        ]
      : [];
  });
  const starting = timeline.phases.find((phase) => phase.name === 'starting');
  const trusts = new Map<string, Bar[]>();
  for (const way of timeline.trusts) {
    const bars: Bar[] = [];
    trusts.set(way.trust, bars);
    const there = way.online_at ?? way.left_at;
    if (starting) {
      bars.push({
        kind: 'join',
        from: time(starting.at),
        to: there ? time(there) : end,
        label: way.outcome || 'Joins',
        open: !there && !over,
        failed: !way.online_at && way.left_at !== null,
      });
    }
  }
  for (const round of timeline.rounds) addRound(round, hub, trusts, end, over);
  return [
    { name: 'Hub', trust: false, bars: hub },
    ...[...trusts].map(([name, bars]) => ({ name, trust: true, bars })),
  ];
}

function addRound(
  round: Timeline['rounds'][number],
  hub: Bar[],
  trusts: Map<string, Bar[]>,
  end: number,
  over: boolean,
) {
  const done = round.aggregated.map((one) => time(one.at));
  const name = `Round ${round.round}`;
  for (const exchange of round.trusts) {
    const bars = trusts.get(exchange.trust);
    if (!bars) continue;
    const from = time(exchange.sent_at);
    const to = exchange.replied_at ? time(exchange.replied_at) : end;
    const failed = exchange.error !== '';
    const computed = exchange.computed_seconds;
    const label = `${name}, ${exchange.phase}${failed ? `: ${exchange.error}` : ''}`;
    if (computed == null || computed * 1000 >= to - from) {
      bars.push({ kind: 'train', from, to, round: round.round, label, failed, open: !exchange.replied_at && !over });
    } else {
      // How the way splits into there and back is not measured: half and half.
      const way = (to - from - computed * 1000) / 2;
      bars.push({ kind: 'way', from, to: from + way, label: `${name}: on the way to the trust` });
      bars.push({ kind: 'train', from: from + way, to: to - way, round: round.round, label, failed });
      bars.push({ kind: 'way', from: to - way, to, label: `${name}: on the way back` });
    }
  }
  if (!round.sent_at) return;
  const until = done.length ? Math.max(...done) : end;
  const lastReply = Math.max(...round.trusts.map((one) => (one.replied_at ? time(one.replied_at) : 0)), 0);
  if (done.length) {
    const from = lastReply && lastReply < until ? lastReply : until;
    hub.push({ kind: 'aggregate', from, to: until, round: round.round, label: `${name}: aggregated` });
  }
  const told = new Set(round.trusts.map((one) => one.trust));
  for (const [trust, bars] of trusts) {
    const there = bars.length > 0 && !bars[0]?.failed && !bars[0]?.open;
    if (!told.has(trust) && there) {
      bars.push({
        kind: 'train',
        from: time(round.sent_at),
        to: until,
        round: round.round,
        label: name,
        open: !done.length && !over,
      });
    }
  }
}

/** Seconds that are left, from the rounds so far; null before the first round is done. */
export function secondsLeft(timeline: Timeline, rounds: number | undefined, now: number): number | null {
  if (!rounds || timeline.phases.some((phase) => phase.name === 'done')) return null;
  const first = timeline.rounds.find((round) => round.sent_at)?.sent_at;
  const done = timeline.rounds.filter((round) => round.aggregated.some((one) => one.phase === 'train'));
  const last = done.at(-1)?.aggregated.find((one) => one.phase === 'train');
  if (!first || !last) return null;
  const each = (time(last.at) - time(first)) / done.length / 1000;
  return Math.max(0, each * (rounds - done.length) - (now - time(last.at)) / 1000);
}
