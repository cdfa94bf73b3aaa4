/** How old the data on the screen may be, said whenever it is more than a moment. */
import { Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { contact } from '@/api/contact';
import { freshness } from '@/api/freshness';
import { useNow } from '@/app/useNow';
import classes from './Freshness.module.css';

export function Freshness() {
  useSyncExternalStore(contact.subscribe, contact.read);
  const now = useNow(1000);
  const { lastHeard, failing } = contact.read();
  const state = freshness(lastHeard, failing, now);
  const words =
    state.kind === 'live'
      ? 'Live'
      : state.kind === 'stale'
        ? `Data is ${state.seconds} s old`
        : `Reconnecting · data is ${state.seconds} s old`;
  const why =
    state.kind === 'live'
      ? 'What you see follows the hub.'
      : state.kind === 'stale'
        ? 'The hub has not been heard of for a few seconds.'
        : 'The hub does not answer. The page keeps trying and goes on by itself.';
  return (
    <Tooltip label={why}>
      <span className={classes.chip} data-kind={state.kind} data-testid="freshness">
        <span className={classes.dot} aria-hidden />
        <span className="num">{words}</span>
        {/* Said aloud once per change, not once per second. */}
        <span className="visually-hidden" role="status">
          {state.kind === 'away' ? 'Connection to the hub lost, reconnecting' : ''}
        </span>
      </span>
    </Tooltip>
  );
}
