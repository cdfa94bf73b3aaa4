/** Keep what is on the screen as fresh as the hub's own. */
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { contact } from './contact';
import { appendPoints, type MetricsPayload } from './points';
import { type HubEvent, openStream } from './stream';

const WHILE_AWAY_MS = 1500;
const GATHER_MS = 150; // a burst of events reads each answer once

/** Follow these topics while the component is on the screen. Each event reads again what it says has changed. */
export function useLive(topics: readonly string[], onEvent?: (event: HubEvent) => void): void {
  const queries = useQueryClient();
  const listener = useRef(onEvent);
  listener.current = onEvent;
  const wanted = [...topics].sort().join(',');
  useEffect(() => {
    if (!wanted) return;
    const changed = new Gathered((key) => void queries.invalidateQueries({ queryKey: key }));
    const close = openStream(wanted.split(','), (event) => {
      apply(event, queries, changed);
      listener.current?.(event);
    });
    return () => {
      close();
      changed.drop();
    };
  }, [wanted, queries]);
}

class Gathered {
  private keys = new Map<string, unknown[]>();
  private timer = 0;
  private readonly act: (key: unknown[]) => void;

  constructor(act: (key: unknown[]) => void) {
    this.act = act;
  }
  add(...key: unknown[]) {
    this.keys.set(JSON.stringify(key), key);
    if (!this.timer) this.timer = window.setTimeout(() => this.flush(), GATHER_MS);
  }
  private flush() {
    this.timer = 0;
    const keys = [...this.keys.values()];
    this.keys.clear();
    for (const key of keys) this.act(key);
  }
  drop() {
    clearTimeout(this.timer);
  }
}

/** Which answers an event makes old. Metric points and log lines are added to what is there instead of read again. */
function apply(event: HubEvent, queries: QueryClient, changed: Gathered) {
  const of = (kind: string) => event.topics?.find((topic) => topic.startsWith(`${kind}:`))?.slice(kind.length + 1);
  const [run, model, project] = [of('run'), of('model'), of('project')];
  switch (event.kind) {
    case 'hello':
      // What was read before this moment may have missed a change; from now on each is told.
      void queries.invalidateQueries({
        predicate: (query) => query.isActive() && query.state.dataUpdatedAt > 0,
      });
      return;
    case 'reset':
      void queries.invalidateQueries();
      return;
    case 'metrics':
      if (run && !appendPoints(queries, run, event.payload as unknown as MetricsPayload))
        changed.add('run', run, 'metrics');
      return;
    case 'log':
      if (run) changed.add('run', run, 'log');
      return;
    case 'cohort_answer':
      changed.add('cohort', event.payload.query_id);
      changed.add('project', event.payload.project_id ?? project);
      return;
    case 'decision_request':
    case 'decision':
      changed.add('projects');
      changed.add('project', event.payload.project_id ?? project);
      return;
    case 'trust_seen':
      changed.add('trusts');
      return;
    case 'queue':
      changed.add('model', model);
      changed.add('queue');
      changed.add('models');
      return;
    default:
      if (model) changed.add('models');
      if (run) changed.add('run', run, 'events');
      if (model) {
        changed.add('model', model, 'runs');
        changed.add('model', model, 'itself');
        changed.add('model', model, 'results');
      }
      if (project) changed.add('project', project);
  }
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
  const leave = contact.subscribe(() => {
    if (contact.read().failing) {
      if (!timer) timer = window.setTimeout(knock, WHILE_AWAY_MS);
    } else {
      void queries.invalidateQueries();
    }
  });
  return () => {
    leave();
    clearTimeout(timer);
  };
}
