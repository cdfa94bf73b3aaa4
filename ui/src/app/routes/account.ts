/** Oneself, and help. */
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { inside, open } from './root';

export const account = createRoute({
  getParentRoute: () => inside,
  path: '/account',
  component: lazyRouteComponent(() => import('@/features/account/AccountPage'), 'AccountPage'),
});

const helpHome = createRoute({
  getParentRoute: () => open,
  path: '/help',
  beforeLoad: () => {
    throw redirect({ to: '/help/$topic', params: { topic: 'glossary' } });
  },
});
const help = createRoute({
  getParentRoute: () => open,
  path: '/help/$topic',
  component: lazyRouteComponent(() => import('@/features/help/HelpPage'), 'HelpPage'),
});

export const helpRoutes = open.addChildren([helpHome, help]);
