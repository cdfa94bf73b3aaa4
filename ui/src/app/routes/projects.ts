import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { ProjectsPage } from '@/features/projects/ProjectsPage';
import { inside, text } from './root';

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/projects' });
  },
});

export interface ProjectsSearch {
  q?: string;
  status?: string;
  kind?: string;
  view?: 'table';
  new?: boolean;
}

const projects = createRoute({
  getParentRoute: () => inside,
  path: '/projects',
  component: ProjectsPage,
  validateSearch: (search: Record<string, unknown>): ProjectsSearch => ({
    q: text(search.q),
    status: text(search.status),
    kind: text(search.kind),
    view: search.view === 'table' ? 'table' : undefined,
    new: search.new === true || undefined,
  }),
});

const project = createRoute({
  getParentRoute: () => inside,
  path: '/projects/$projectId',
  component: lazyRouteComponent(() => import('@/features/project/ProjectPage'), 'ProjectPage'),
});

const cohort = createRoute({
  getParentRoute: () => inside,
  path: '/projects/$projectId/cohort',
  validateSearch: (search: Record<string, unknown>): { query?: string } => ({ query: text(search.query) }),
  component: lazyRouteComponent(() => import('@/features/cohort/CohortPage'), 'CohortPage'),
});

export const projectRoutes = [home, projects, project, cohort] as const;
