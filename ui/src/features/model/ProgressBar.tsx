/** The four steps of a run as the hub knows them. A step is only marked when the hub has recorded it. */
import { IconCheck, IconPlayerStopFilled, IconX } from '@tabler/icons-react';
import type { Model, Run } from '@/api/types';
import { clockTime } from '@/app/time';
import classes from './ProgressBar.module.css';

const STEPS = [
  { status: 'INITIATED', name: 'Initiated' },
  { status: 'PREPARED', name: 'Prepared' },
  { status: 'TRAINING_STARTED', name: 'Training' },
  { status: 'RESULTS_UPLOADED', name: 'Results' },
];

export interface Bar {
  steps: { status: string; name: string; at: string | null; state: 'done' | 'now' | 'failed' | 'stopped' | 'todo' }[];
}

/** `history` holds what was recorded for the newest run, in order. A later status implies the ones before it. */
export function barOf(model: Pick<Model, 'status' | 'history'>): Bar {
  const at = new Map(model.history.map((one) => [one.status, one.at]));
  const reached = STEPS.findLastIndex((step) => at.has(step.status) || step.status === model.status);
  const ended = model.status === 'ERROR' ? 'failed' : model.status === 'STOPPED' ? 'stopped' : null;
  return {
    steps: STEPS.map((step, index) => {
      const done =
        index < reached || (index === reached && (!ended || reached === STEPS.length - 1) && isOver(step.status));
      const state = done
        ? 'done'
        : index === reached
          ? (ended ?? (model.status === 'PENDING' ? 'todo' : 'now'))
          : 'todo';
      return { ...step, at: at.get(step.status) ?? null, state };
    }),
  };
}

/** Results are there or not; every other step goes on until the next begins. */
const isOver = (status: string) => status === 'RESULTS_UPLOADED';

const WORDS = { done: 'done', now: 'now', failed: 'failed here', stopped: 'stopped here', todo: 'not yet' };

export function ProgressBar({ model, run }: { model: Model; run: Run | undefined }) {
  const { steps } = barOf(model);
  const queued = run?.state === 'queued' && run.queue_position !== null;
  return (
    <ol
      className={classes.bar}
      aria-label={`Progress: ${model.status}`}
      data-testid="progress"
      data-status={model.status}
    >
      {steps.map(({ status, name, at, state }) => (
        <li key={status} data-state={state} data-step={status}>
          <span className={classes.line} aria-hidden />
          <span className={classes.mark} aria-hidden>
            {state === 'done' && <IconCheck size={13} stroke={3} />}
            {state === 'failed' && <IconX size={13} stroke={3} />}
            {state === 'stopped' && <IconPlayerStopFilled size={11} />}
          </span>
          <span className={classes.name}>{name}</span>
          <span className={`${classes.note} num`}>
            {state === 'now' && status === 'INITIATED' && queued
              ? `queued, place ${run.queue_position}`
              : at
                ? clockTime(at)
                : '\u00a0'}
          </span>
          <span className="visually-hidden">{WORDS[state]}</span>
        </li>
      ))}
    </ol>
  );
}
