/** A state in words with a colour, never by colour alone. */
import classes from './Status.module.css';

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'idle';

const TONES: Record<string, Tone> = {
  UNSTAGED: 'idle',
  STAGED: 'warn',
  APPROVED: 'good',
  PENDING: 'idle',
  DECLINED: 'bad',
  WITHDRAWN: 'bad',
  INITIATED: 'info',
  PREPARED: 'info',
  TRAINING_STARTED: 'info',
  RESULTS_UPLOADED: 'good',
  ERROR: 'bad',
  STOPPED: 'warn',
  queued: 'idle',
  starting: 'info',
  running: 'info',
  succeeded: 'good',
  failed: 'bad',
  stopped: 'warn',
  answered: 'good',
  suppressed: 'warn',
  refused: 'bad',
  error: 'bad',
  offline: 'warn',
  online: 'good',
  asked: 'idle',
  code_review: 'warn',
  joined: 'info',
  registered: 'info',
  lost: 'bad',
  left: 'idle',
};

const WORDS: Record<string, string> = {
  UNSTAGED: 'Draft',
  STAGED: 'Staged',
  APPROVED: 'Approved',
  PENDING: 'Pending',
  DECLINED: 'Declined',
  WITHDRAWN: 'Withdrawn',
  INITIATED: 'Initiated',
  PREPARED: 'Prepared',
  TRAINING_STARTED: 'Training',
  RESULTS_UPLOADED: 'Results ready',
  ERROR: 'Error',
  STOPPED: 'Stopped',
};

export const wordOf = (state: string) =>
  WORDS[state] ?? state.replaceAll('_', ' ').replace(/^./, (c) => c.toUpperCase());

export function Status({ state, word, tone, pulse }: { state: string; word?: string; tone?: Tone; pulse?: boolean }) {
  return (
    <span className={classes.status} data-tone={tone ?? TONES[state] ?? 'idle'}>
      <span className={classes.dot} data-pulse={pulse || undefined} aria-hidden />
      {word ?? wordOf(state)}
    </span>
  );
}
