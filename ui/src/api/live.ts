/** Keep what is on the screen as fresh as the hub's own. */
import type { QueryClient } from '@tanstack/react-query';
import { contact } from './contact';

const EVERY_MS = 2000;
const WHILE_AWAY_MS = 1500;

/** Options of a query whose answer changes by itself. */
export function followed() {
  return { refetchInterval: EVERY_MS, refetchIntervalInBackground: false } as const;
}

/** While the hub is away, knock; when it is back, read everything again. */
export function startKnocking(queries: QueryClient): () => void {
  let timer = 0;
  const knock = async () => {
    try {
      const answer = await fetch('/api/v1/health', { cache: 'no-store' });
      if (answer.ok) contact.heard();
    } catch {
      // still away
    }
    timer = contact.read().failing ? window.setTimeout(knock, WHILE_AWAY_MS) : 0;
  };
  return contact.subscribe(() => {
    if (contact.read().failing) {
      if (!timer) timer = window.setTimeout(knock, WHILE_AWAY_MS);
    } else {
      void queries.invalidateQueries();
    }
  });
}
