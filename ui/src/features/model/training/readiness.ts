/** What stands between the model and *Initiate Training*, each with its reason. */
import type { Check, Project, Trust } from '@/api/types';

export interface Item {
  name: string;
  state: 'ok' | 'warn' | 'no' | 'wait';
  reason: string;
}

export function readiness(
  project: Project | undefined,
  check: Check | undefined,
  trusts: Trust[] | undefined,
  chosen: readonly string[],
  active: boolean,
): Item[] {
  const wait = (name: string): Item => ({ name, state: 'wait', reason: 'Looking …' });
  const items: Item[] = [];
  if (!check) items.push(wait('App'));
  else {
    const errors = check.findings.filter((finding) => finding.severity === 'error').length;
    const pending = Object.entries(check.not_ready);
    items.push({
      name: 'App',
      state: !check.ok || pending.length ? 'no' : 'ok',
      reason: !check.ok
        ? `${errors} ${errors === 1 ? 'finding' : 'findings'} to mend in Files`
        : pending.length
          ? `${pending[0]?.[0]} is ${pending[0]?.[1].toLowerCase()}`
          : 'All checks passed',
    });
  }
  if (!project) items.push(wait('Approval'));
  else {
    items.push({
      name: 'Approval',
      state: chosen.length ? 'ok' : 'no',
      reason: chosen.length ? `${chosen.join(', ')}` : 'Choose at least one trust that has approved',
    });
  }
  if (project?.kind === 'imaging') {
    const waiting = project.trusts
      .filter((trust) => chosen.includes(trust.trust) && !trust.imaging?.final)
      .map((trust) => trust.trust);
    items.push({
      name: 'Images',
      state: waiting.length ? 'warn' : 'ok',
      reason: waiting.length
        ? `${waiting.join(', ')} still prepares images; a run uses those that are ready`
        : 'Ready at every chosen trust',
    });
  }
  if (!trusts) items.push(wait('Trusts online'));
  else {
    const offline = chosen.filter((name) => !trusts.find((trust) => trust.name === name)?.online);
    items.push({
      name: 'Trusts online',
      state: offline.length === 0 ? 'ok' : 'warn',
      reason: offline.length
        ? `${offline.join(', ')} is offline; the run waits for it a while, then goes on without it`
        : 'All of them',
    });
  }
  if (active) items.push({ name: 'Free', state: 'no', reason: 'A run of this model is queued or running' });
  return items;
}
