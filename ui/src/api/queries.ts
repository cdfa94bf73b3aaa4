/** What the page reads, each under one key. Components say `useQuery(projectsQuery())`. */
import { queryOptions } from '@tanstack/react-query';
import { data, hub } from './client';
import { followed } from './live';

export const meQuery = () =>
  queryOptions({ queryKey: ['me'], queryFn: () => data(hub.GET('/api/v1/users/me')), staleTime: 300_000 });

export const trustsQuery = () =>
  queryOptions({ queryKey: ['trusts'], queryFn: () => data(hub.GET('/api/v1/trusts')), ...followed() });

export const projectsQuery = () =>
  queryOptions({ queryKey: ['projects'], queryFn: () => data(hub.GET('/api/v1/projects')), ...followed() });

export const projectQuery = (id: string) =>
  queryOptions({
    queryKey: ['project', id],
    queryFn: () => data(hub.GET('/api/v1/projects/{project_id}', { params: { path: { project_id: id } } })),
    ...followed(),
  });

export const modelsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ['project', projectId, 'models'],
    queryFn: () =>
      data(hub.GET('/api/v1/projects/{project_id}/models', { params: { path: { project_id: projectId } } })),
    ...followed(),
  });

export const cohortQuery = (id: string) =>
  queryOptions({
    queryKey: ['cohort', id],
    queryFn: () => data(hub.GET('/api/v1/cohort-queries/{query_id}', { params: { path: { query_id: id } } })),
    ...followed(),
  });

export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: ['model', id],
    queryFn: () => data(hub.GET('/api/v1/models/{model_id}', { params: { path: { model_id: id } } })),
    ...followed(),
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
    ...followed(),
  });

export const metricsQuery = (runId: string, live: boolean) =>
  queryOptions({
    queryKey: ['run', runId, 'metrics'],
    queryFn: () => data(hub.GET('/api/v1/runs/{run_id}/metrics', { params: { path: { run_id: runId } } })),
    ...(live ? followed() : {}),
  });
