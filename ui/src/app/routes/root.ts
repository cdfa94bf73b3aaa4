/** What every route hangs from: pages before login, pages for who is logged in, pages for everybody. */
import { createRootRouteWithContext, createRoute, Outlet, redirect } from '@tanstack/react-router';
import { HubAway } from '@/api/errors';
import { sessionQuery } from '@/api/queries';
import { NotFound } from '@/components/RouteStates';
import { queries } from '../queryClient';
import { Shell } from '../Shell';

export const root = createRootRouteWithContext<object>()({ component: Outlet, notFoundComponent: NotFound });

export const text = (value: unknown) => (typeof value === 'string' && value ? value : undefined);

export const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  beforeLoad: async ({ location }) => {
    const next = location.href === '/' ? undefined : location.href;
    const found = await queries.ensureQueryData(sessionQuery()).catch((error) => {
      if (error instanceof HubAway) throw error;
      throw redirect({ to: '/login', search: { next } });
    });
    if (found.next) throw redirect({ to: '/welcome', search: { next } });
  },
});

/** For everybody, before login too: an error there has a code to look up. */
export const open = createRoute({ getParentRoute: () => root, id: 'open', component: Shell });
