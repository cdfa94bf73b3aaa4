/** Options of a run beside the app's own config, in the units that people think in. */
import type { RunOptions } from '@/api/types';

export interface Limits {
  /** Trusts that must take part; the run ends where fewer are left. */
  needed: number;
  /** Undefined: the hub's own. */
  joinMinutes?: number;
  runHours?: number;
  silentMinutes?: number;
}

export const NO_LIMITS: Limits = { needed: 1 };

export function optionsOf({ needed, joinMinutes, runHours, silentMinutes }: Limits, chosen: number): RunOptions {
  return {
    min_trusts: Math.max(1, Math.min(needed, chosen)),
    ...(joinMinutes !== undefined && { join_seconds: joinMinutes * 60 }),
    ...(runHours !== undefined && { run_seconds: runHours * 3600 }),
    ...(silentMinutes !== undefined && { no_progress_seconds: silentMinutes * 60 }),
  };
}
