/** How old what is on the screen may be. */
export const STALE_AFTER_SECONDS = 5;

export type FreshnessState = { kind: 'live' } | { kind: 'stale'; seconds: number } | { kind: 'away'; seconds: number };

export function freshness(lastHeard: number, failing: boolean, now: number): FreshnessState {
  const seconds = Math.max(0, Math.floor((now - lastHeard) / 1000));
  if (failing) return { kind: 'away', seconds };
  return seconds >= STALE_AFTER_SECONDS ? { kind: 'stale', seconds } : { kind: 'live' };
}
