/** The series of one or two runs, read and followed, as a feed of charts. */
import { QueryObserver, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { metricsQuery } from '@/api/queries';
import type { Series } from '@/api/types';
import { chartsOf } from './charts';
import { Feed, type Shape } from './feed';

/** Points come faster than anyone reads them. */
const GATHER_MS = 250;

export interface Fed {
  feed: Feed;
  shapes: readonly Shape[];
  pending: boolean;
  error: unknown;
  again: () => void;
}

export function useFeed(run: string | undefined, compared: string | undefined): Fed {
  const queries = useQueryClient();
  const [feed, setFeed] = useState(() => new Feed());
  const [state, setState] = useState<{ pending: boolean; error: unknown }>({ pending: true, error: null });
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` counts the times that somebody asked again
  useEffect(() => {
    if (!run) return;
    const fresh = new Feed();
    setFeed(fresh);
    setState({ pending: true, error: null });
    // Not `useQuery`: each of its answers would draw the whole panel.
    const observers = [run, ...(compared ? [compared] : [])].map((id) => new QueryObserver(queries, metricsQuery(id)));
    const series: (Series[] | undefined)[] = observers.map(() => undefined);
    let timer = 0;
    const put = () => {
      timer = 0;
      if (!series[0]) return;
      fresh.put(chartsOf(series.map((one) => one ?? [])));
      setState((before) => (before.pending ? { pending: false, error: null } : before));
    };
    const leave = observers.map((observer, index) => {
      const take = (answer: ReturnType<typeof observer.getCurrentResult>) => {
        if (answer.error && !answer.data) setState({ pending: false, error: answer.error });
        if (!answer.data || answer.data === series[index]) return;
        const first = series[index] === undefined;
        series[index] = answer.data;
        if (first) put();
        else if (!timer) timer = window.setTimeout(put, GATHER_MS);
      };
      const off = observer.subscribe(take);
      take(observer.getCurrentResult());
      return off;
    });
    return () => {
      clearTimeout(timer);
      for (const off of leave) off();
    };
  }, [queries, run, compared, tries]);

  const shapes = useSyncExternalStore(feed.followShapes, feed.readShapes);
  const again = () => {
    if (run) void queries.resetQueries({ queryKey: metricsQuery(run).queryKey });
    setTries((count) => count + 1);
  };
  return { feed, shapes, ...state, again };
}
