/** What every panel of a model's page reads. */
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { mayQuery, modelQuery, projectQuery, runsQuery } from '@/api/queries';
import type { Run } from '@/api/types';

const ENDED = new Set(['succeeded', 'failed', 'stopped']);
export const isActive = (run: Run | undefined) => run !== undefined && !ENDED.has(run.state);

export function useModel() {
  const { modelId } = useParams({ from: '/inside/models/$modelId' });
  const model = useQuery(modelQuery(modelId));
  const runs = useQuery(runsQuery(modelId));
  const projectId = model.data?.project_id;
  const project = useQuery({ ...projectQuery(projectId ?? ''), enabled: projectId !== undefined });
  const mayChange = useQuery(mayQuery('change_projects')).data ?? false;
  const newest = runs.data?.[0];
  return {
    modelId,
    model: model.data,
    error: model.error ?? runs.error,
    refetch: model.refetch,
    project: project.data,
    runs: runs.data,
    newest,
    active: isActive(newest),
    mayChange,
  };
}

/** "Run 3 · 14:05": runs are counted from the first. */
export function runName(runs: readonly Run[], id: string): string {
  const index = runs.findIndex((run) => run.id === id);
  return index < 0 ? 'Run' : `Run ${runs.length - index}`;
}
