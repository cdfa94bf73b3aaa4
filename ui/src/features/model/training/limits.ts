/** Options of a run beside the app's own config, in the units that people think in. */
import type { RunOptions } from '@/api/types';

export interface Limits {
  /** Trusts that must take part; the run ends where fewer are left. */
  needed: number;
  /** Undefined: the hub's own. */
  joinMinutes?: number;
  runHours?: number;
  silentMinutes?: number;
  onCrash: NonNullable<RunOptions['on_crash']>;
  onSlowTrust: NonNullable<RunOptions['on_slow_trust']>;
  /** Only where a round ends with the trusts that are needed. */
  roundMinutes?: number;
}

export const NO_LIMITS: Limits = { needed: 1, onCrash: 'resume', onSlowTrust: 'drop' };

/** The hub wants both or neither: a time, and that the round ends with those that are needed. */
export const lacksTime = ({ onSlowTrust, roundMinutes }: Limits) =>
  onSlowTrust === 'minimum' && roundMinutes === undefined;

export function optionsOf(limits: Limits, chosen: number): RunOptions {
  const { needed, joinMinutes, runHours, silentMinutes, onCrash, onSlowTrust, roundMinutes } = limits;
  return {
    min_trusts: Math.max(1, Math.min(needed, chosen)),
    on_crash: onCrash,
    on_slow_trust: onSlowTrust,
    ...(onSlowTrust === 'minimum' && roundMinutes !== undefined && { round_seconds: roundMinutes * 60 }),
    ...(joinMinutes !== undefined && { join_seconds: joinMinutes * 60 }),
    ...(runHours !== undefined && { run_seconds: runHours * 3600 }),
    ...(silentMinutes !== undefined && { no_progress_seconds: silentMinutes * 60 }),
  };
}
