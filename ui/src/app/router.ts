/** Every address of the page, by area. Each feature is its own download; login and projects come with the shell. */
import { createRouter } from '@tanstack/react-router';
import { NotFound, RouteError } from '@/components/RouteStates';
import { queries } from './queryClient';
import { account, helpRoutes } from './routes/account';
import { adminRoutes } from './routes/admin';
import { entrance } from './routes/entrance';
import { modelRoutes } from './routes/models';
import { projectRoutes } from './routes/projects';
import { inside, root } from './routes/root';
import { trustRoutes } from './routes/trusts';

export const router = createRouter({
  routeTree: root.addChildren([
    ...entrance,
    inside.addChildren([...projectRoutes, ...modelRoutes, ...trustRoutes, adminRoutes, account]),
    helpRoutes,
  ]),
  context: { queries },
  defaultPreload: 'intent',
  defaultErrorComponent: RouteError,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
