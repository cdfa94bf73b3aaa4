/** A run's events as bars: when each trust was asked, got the round, answered, and when the hub had added it up. */
import type { Run, RunEvent } from '@/api/types';

export interface Bar {
  kind: 'queue' | 'join' | 'train' | 'aggregate';
  from: number;
  to: number;
  label: string;
  round?: number;
  open?: boolean;
}
export interface Lane {
  name: string;
  trust: boolean;
  bars: Bar[];
}

const time = (iso: string) => new Date(iso).getTime();
const text = (value: unknown) => (typeof value === 'string' ? value : '');
const number = (value: unknown) => (typeof value === 'number' ? value : undefined);

/** Times in milliseconds since the epoch; `now` closes what is still going on. */
export function lanes(run: Run, events: readonly RunEvent[], now: number): Lane[] {
  const ended = run.finished_at ? time(run.finished_at) : null;
  const end = ended ?? now;
  const hub: Bar[] = [];
  const started = run.starting_at ? time(run.starting_at) : end;
  hub.push({ kind: 'queue', from: time(run.created_at), to: started, label: 'Queued', open: !run.starting_at && !ended });
  const trusts = new Map<string, Bar[]>(run.trusts.map((part) => [part.trust, []]));
  const runningAt = run.running_at ? time(run.running_at) : null;
  for (const [trust, bars] of trusts) {
    if (!run.starting_at) continue;
    const online = events.find((event) => ['node_started', 'trust_online', 'trust_joined'].includes(event.kind) && event.payload.trust === trust);
    const to = online ? time(online.at) : (runningAt ?? end);
    bars.push({ kind: 'join', from: started, to, label: `${trust} joins`, open: !online && !ended });
  }
  let sent: { at: number; round: number } | null = null;
  let answered = new Set<string>();
  let lastAnswer = 0;
  const close = (at: number, open: boolean) => {
    if (!sent) return;
    for (const [trust, bars] of trusts) {
      if (!answered.has(trust)) bars.push({ kind: 'train', from: sent.at, to: at, round: sent.round, label: `Round ${sent.round}`, open });
    }
  };
  for (const event of events) {
    const at = time(event.at);
    const round = number(event.payload.round);
    if (event.kind === 'round_sent') {
      sent = { at, round: round ?? 0 };
      answered = new Set();
      lastAnswer = at;
    } else if (event.kind === 'round_trust' && sent) {
      const bars = trusts.get(text(event.payload.trust));
      bars?.push({ kind: 'train', from: sent.at, to: at, round: sent.round, label: `Round ${sent.round}` });
      answered.add(text(event.payload.trust));
      lastAnswer = at;
    } else if (event.kind === 'round_done' && sent) {
      close(at, false);
      hub.push({ kind: 'aggregate', from: answered.size ? lastAnswer : at, to: at, round: sent.round, label: `Round ${sent.round} aggregated` });
      sent = null;
    }
  }
  if (sent) close(end, ended === null);
  return [{ name: 'Hub', trust: false, bars: hub }, ...[...trusts].map(([name, bars]) => ({ name, trust: true, bars }))];
}

/** Seconds that are left, from the rounds so far; null before the first round is done. */
export function secondsLeft(run: Run, events: readonly RunEvent[], rounds: number | undefined, now: number): number | null {
  const done = events.filter((event) => event.kind === 'round_done');
  const first = events.find((event) => event.kind === 'round_sent');
  const latest = Math.max(0, ...done.map((event) => number(event.payload.round) ?? 0));
  if (!first || !latest || !rounds || run.finished_at) return null;
  const lastDone = time((done.at(-1) as RunEvent).at);
  const each = (lastDone - time(first.at)) / latest / 1000;
  return Math.max(0, each * (rounds - latest) - (now - lastDone) / 1000);
}
