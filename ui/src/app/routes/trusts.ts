import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { inside, text } from './root';

const connections = createRoute({
  getParentRoute: () => inside,
  path: '/connections',
  component: lazyRouteComponent(() => import('@/features/connections/ConnectionsPage'), 'ConnectionsPage'),
});

const trustSearch = (search: Record<string, unknown>): { trust?: string } => ({ trust: text(search.trust) });

const myTrust = createRoute({
  getParentRoute: () => inside,
  path: '/my-trust',
  validateSearch: trustSearch,
  component: lazyRouteComponent(() => import('@/features/mytrust/MyTrustPage'), 'MyTrustPage'),
});
const review = createRoute({
  getParentRoute: () => inside,
  path: '/my-trust/$projectId',
  validateSearch: trustSearch,
  component: lazyRouteComponent(() => import('@/features/mytrust/ReviewPage'), 'ReviewPage'),
});

export const trustRoutes = [connections, myTrust, review] as const;
