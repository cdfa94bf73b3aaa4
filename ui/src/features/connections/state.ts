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
/** What is told beside the healths: how the sandbox is, whether the trust's policy lets its admins decide here. */
const FACT = /^(sandbox_|hub_decisions$)/;

export const isFact = (name: string) => FACT.test(name);

export const ailing = (trust: Trust): [string, string][] =>
  Object.entries(trust.components).filter(([name, health]) => !isFact(name) && !WELL.test(health));
