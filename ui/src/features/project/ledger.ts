import type { Imaging } from '@/api/types';

const ORDER = ['REQUESTED', 'FOUND', 'PULLED', 'DEIDENTIFIED', 'CONVERTED', 'CHECKED', 'READY'];

/** How many studies came at least so far. Each is counted by the hub where it is now; the excluded were all requested. */
export function reached(imaging: Imaging, stage: string): number {
  const from = ORDER.indexOf(stage);
  const beyond = ORDER.slice(from).reduce((sum, name) => sum + (imaging.stages[name] ?? 0), 0);
  return from === 0 ? beyond + (imaging.stages.EXCLUDED ?? 0) : beyond;
}
