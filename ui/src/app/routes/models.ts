import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside, text } from './root';

export interface ModelsSearch {
  q?: string;
  status?: string;
}

const models = createRoute({
  getParentRoute: () => inside,
  path: '/models',
  validateSearch: (search: Record<string, unknown>): ModelsSearch => ({
    q: text(search.q),
    status: text(search.status),
  }),
  component: lazyRouteComponent(() => import('@/features/models/ModelsPage'), 'ModelsPage'),
});

const model = createRoute({
  getParentRoute: () => inside,
  path: '/models/$modelId',
  component: lazyRouteComponent(() => import('@/features/model/ModelPage'), 'ModelPage'),
});

export const MODEL_PANELS = ['files', 'training', 'live', 'metrics', 'results'] as const;

const modelHome = createRoute({
  getParentRoute: () => model,
  path: '/',
  component: lazyRouteComponent(() => import('@/features/model/ModelHome'), 'ModelHome'),
});
const runSearch = (search: Record<string, unknown>): { run?: string } => ({ run: text(search.run) });
const files = createRoute({
  getParentRoute: () => model,
  path: 'files',
  component: lazyRouteComponent(() => import('@/features/model/files/FilesPanel'), 'FilesPanel'),
});
const training = createRoute({
  getParentRoute: () => model,
  path: 'training',
  component: lazyRouteComponent(() => import('@/features/model/training/TrainingPanel'), 'TrainingPanel'),
});
const live = createRoute({
  getParentRoute: () => model,
  path: 'live',
  validateSearch: runSearch,
  component: lazyRouteComponent(() => import('@/features/model/live/LivePanel'), 'LivePanel'),
});
const metrics = createRoute({
  getParentRoute: () => model,
  path: 'metrics',
  validateSearch: (search: Record<string, unknown>): { run?: string; with?: string } => ({
    run: text(search.run),
    with: text(search.with),
  }),
  component: lazyRouteComponent(() => import('@/features/model/metrics/MetricsPanel'), 'MetricsPanel'),
});
const results = createRoute({
  getParentRoute: () => model,
  path: 'results',
  component: lazyRouteComponent(() => import('@/features/model/results/ResultsPanel'), 'ResultsPanel'),
});

export const modelRoutes = [models, model.addChildren([modelHome, files, training, live, metrics, results])] as const;
