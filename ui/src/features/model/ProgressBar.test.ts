import { expect, test } from 'vitest';
import { barOf } from './ProgressBar';

const bar = (status: string, ...recorded: string[]) =>
  barOf({
    status,
    history: recorded.map((one) => ({ status: one, source: 'platform', at: '2026-11-25T10:00:00Z' })),
  }).steps.map((step) => step.state);

test('a model that was never initiated has no step', () => {
  expect(bar('PENDING')).toEqual(['todo', 'todo', 'todo', 'todo']);
});

test('training goes on until results are there, whatever the app says', () => {
  expect(bar('TRAINING_STARTED', 'INITIATED', 'PREPARED', 'TRAINING_STARTED')).toEqual(['done', 'done', 'now', 'todo']);
  expect(bar('RESULTS_UPLOADED', 'INITIATED', 'PREPARED', 'TRAINING_STARTED', 'RESULTS_UPLOADED')).toEqual([
    'done',
    'done',
    'done',
    'done',
  ]);
});

test('a failure is shown at the step that it happened in, and never as done', () => {
  expect(bar('ERROR', 'INITIATED', 'PREPARED', 'ERROR')).toEqual(['done', 'failed', 'todo', 'todo']);
  expect(bar('STOPPED', 'INITIATED', 'STOPPED')).toEqual(['stopped', 'todo', 'todo', 'todo']);
});
