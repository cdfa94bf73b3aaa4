/** One stream of the hub's events. It comes back by itself and is told what it missed. */
import { createParser } from 'eventsource-parser';
import { contact } from './contact';
import { session } from './session';

export interface HubEvent {
  kind: string;
  at: string;
  text: string;
  topics: string[];
  payload: Record<string, unknown>;
}

const AGAIN_MS = 1000;

/** Read `topics` until the returned function is called. The hub sends a sign of life every four seconds of silence. */
export function openStream(topics: readonly string[], onEvent: (event: HubEvent) => void): () => void {
  const stop = new AbortController();
  let last = '';
  const parser = createParser({
    onEvent(message) {
      if (message.id) last = message.id;
      onEvent(JSON.parse(message.data) as HubEvent);
    },
  });
  const read = async () => {
    const answer = await fetch(`/api/v1/events?topics=${encodeURIComponent(topics.join(','))}`, {
      headers: last ? { 'last-event-id': last } : {},
      signal: stop.signal,
      cache: 'no-store',
    });
    if (answer.status === 401) return session.ended();
    if (!answer.ok || !answer.body) return;
    contact.heard();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      contact.heard();
      parser.feed(part.value);
    }
  };
  void (async () => {
    while (!stop.signal.aborted) {
      try {
        await read();
      } catch {
        if (!stop.signal.aborted) contact.failed();
      }
      parser.reset();
      await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    }
  })();
  return () => stop.abort();
}
