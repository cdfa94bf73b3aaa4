import type { Trust } from '@/api/types';
import type { Tone } from '@/components/Status';

export const CONNECTION: Record<string, { word: string; tone: Tone }> = {
  online: { word: 'Online', tone: 'good' },
  offline: { word: 'Offline', tone: 'warn' },
  never: { word: 'Not enrolled yet', tone: 'idle' },
  revoked: { word: 'Revoked', tone: 'bad' },
};

/** Told by an agent that all is well: `ok`, or a sandbox's level; everything else is in need of somebody. */
const WELL = /^(ok|full|process)\b/i;
/** Facts beside the sandbox's level, not a health of their own. */
const FACT = /^sandbox_/;

export const ailing = (trust: Trust): [string, string][] =>
  Object.entries(trust.components).filter(([name, health]) => !FACT.test(name) && !WELL.test(health));
