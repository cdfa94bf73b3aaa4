/** What the page reads, each under one key. Components say `useQuery(projectsQuery())`. */
import { queryOptions } from '@tanstack/react-query';
import { data, hub } from './client';
import { session } from './session';
import type { Series, Timeline } from './types';

export const trustsQuery = () => queryOptions({ queryKey: ['trusts'], queryFn: () => data(hub.GET('/api/v1/trusts')) });

export const queueQuery = () =>
  queryOptions({ queryKey: ['queue'], queryFn: () => data(hub.GET('/api/v1/queue')), refetchInterval: 4000 });

/** What everyone should know; asked before login too. */
export const siteQuery = () =>
  queryOptions({ queryKey: ['site'], queryFn: () => data(hub.GET('/api/v1/site')), refetchInterval: 4000 });

/** No topic tells of a new project, so the list is asked for. */
export const projectsQuery = () =>
  queryOptions({
    queryKey: ['projects'],
    queryFn: () => data(hub.GET('/api/v1/projects', { params: { query: { limit: 200 } } })),
    refetchInterval: 4000,
  });

export const projectQuery = (id: string) =>
  queryOptions({
    queryKey: ['project', id],
    queryFn: () => data(hub.GET('/api/v1/projects/{project_id}', { params: { path: { project_id: id } } })),
  });

export const modelsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ['project', projectId, 'models'],
    queryFn: () =>
      data(hub.GET('/api/v1/projects/{project_id}/models', { params: { path: { project_id: projectId } } })),
  });

export const cohortQuery = (id: string) =>
  queryOptions({
    queryKey: ['cohort', id],
    queryFn: () => data(hub.GET('/api/v1/cohort-queries/{query_id}', { params: { path: { query_id: id } } })),
  });

export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: ['model', id, 'itself'],
    queryFn: () => data(hub.GET('/api/v1/models/{model_id}', { params: { path: { model_id: id } } })),
  });

export const filesQuery = (modelId: string) =>
  queryOptions({
    queryKey: ['model', modelId, 'files'],
    queryFn: () => data(hub.GET('/api/v1/models/{model_id}/files', { params: { path: { model_id: modelId } } })),
  });

export const checkQuery = (modelId: string) =>
  queryOptions({
    queryKey: ['model', modelId, 'check'],
    queryFn: () => data(hub.GET('/api/v1/models/{model_id}/check', { params: { path: { model_id: modelId } } })),
  });

export const runsQuery = (modelId: string) =>
  queryOptions({
    queryKey: ['model', modelId, 'runs'],
    queryFn: () => data(hub.GET('/api/v1/models/{model_id}/runs', { params: { path: { model_id: modelId } } })),
  });

export const resultsQuery = (modelId: string) =>
  queryOptions({
    queryKey: ['model', modelId, 'results'],
    queryFn: () => data(hub.GET('/api/v1/models/{model_id}/results', { params: { path: { model_id: modelId } } })),
  });

/** What is in a run's zip never changes. */
export const resultFilesQuery = (runId: string) =>
  queryOptions({
    queryKey: ['run', runId, 'results'],
    queryFn: () => data(hub.GET('/api/v1/runs/{run_id}/results/files', { params: { path: { run_id: runId } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Of one line; a chart is hardly wider in pixels. The hub thins the rest so that the line looks the same. */
const DRAWN_POINTS = 1000;

/** Points come by the stream and are added; see `appendPoints`. */
export const metricsQuery = (runId: string) =>
  queryOptions({
    queryKey: ['run', runId, 'metrics'],
    queryFn: async () =>
      (await data(
        hub.GET('/api/v1/runs/{run_id}/metrics', {
          params: { path: { run_id: runId }, query: { points: DRAWN_POINTS } },
        }),
      )) as Series[],
    structuralSharing: false,
    staleTime: 5000,
  });

export const eventsQuery = (runId: string) =>
  queryOptions({
    queryKey: ['run', runId, 'events'],
    queryFn: () =>
      everyPage(
        (after) =>
          data(hub.GET('/api/v1/runs/{run_id}/events', { params: { path: { run_id: runId }, query: { after } } })),
        (page) => page.events,
      ),
  });

export const logQuery = (runId: string) =>
  queryOptions({
    queryKey: ['run', runId, 'log'],
    queryFn: () =>
      everyPage(
        (after) =>
          data(hub.GET('/api/v1/runs/{run_id}/log', { params: { path: { run_id: runId }, query: { after } } })),
        (page) => page.lines,
      ),
  });

const MOST_PAGES = 50;

async function everyPage<Page extends { next_after: number }, Item>(
  read: (after: number) => Promise<Page>,
  items: (page: Page) => Item[],
): Promise<Item[]> {
  const all: Item[] = [];
  let after = 0;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const page = await read(after);
    all.push(...items(page));
    if (page.next_after === after || !items(page).length) break;
    after = page.next_after;
  }
  return all;
}

/** What the trusts would say of this SQL for a project of this kind; asked while it is written. */
export const checkSqlQuery = (sql: string, kind?: string) =>
  queryOptions({
    queryKey: ['sql', kind, sql],
    queryFn: () =>
      data(
        hub.POST('/api/v1/cohort-queries/check', { body: { sql, kind: kind as 'imaging' | 'tabular' | undefined } }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });

export const compareQuery = (id: string, other: string) =>
  queryOptions({
    queryKey: ['cohort', id, 'compare', other],
    queryFn: () =>
      data(
        hub.GET('/api/v1/cohort-queries/{query_id}/compare/{other_id}', {
          params: { path: { query_id: id, other_id: other } },
        }),
      ),
  });

export const historyQuery = (projectId: string) =>
  queryOptions({
    queryKey: ['project', projectId, 'cohort-queries'],
    queryFn: () =>
      data(hub.GET('/api/v1/projects/{project_id}/cohort-queries', { params: { path: { project_id: projectId } } })),
  });

/** Under the events' key: whatever makes those old makes this old. */
export const timelineQuery = (runId: string) =>
  queryOptions({
    queryKey: ['run', runId, 'events', 'timeline'],
    queryFn: async () =>
      (await data(hub.GET('/api/v1/runs/{run_id}/timeline', { params: { path: { run_id: runId } } }))) as Timeline,
  });

/** Who is logged in; 401 if nobody. */
export const sessionQuery = () =>
  queryOptions({
    queryKey: ['session'],
    queryFn: async () => {
      const found = await data(hub.GET('/api/v1/auth/session'));
      session.remember(found.csrf_token);
      return found;
    },
    staleTime: 300_000,
    retry: false,
  });

/** Your API tokens and open logins. */
export const tokensQuery = () => queryOptions({ queryKey: ['tokens'], queryFn: () => data(hub.GET('/api/v1/tokens')) });

export const methodsQuery = () =>
  queryOptions({ queryKey: ['methods'], queryFn: () => data(hub.GET('/api/v1/auth/methods')), staleTime: 300_000 });

/** What this login may do. The hub decides again; this only spares people buttons that would be refused. */
export const mayQuery = (permission: string) =>
  queryOptions({ ...sessionQuery(), select: (found) => found.permissions.includes(permission) });

/** The signed-in user, as most components need it. */
export const meQuery = () => queryOptions({ ...sessionQuery(), select: (found) => found.user });
