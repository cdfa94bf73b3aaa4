/** Before login. */
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { LoginPage } from '@/features/login/LoginPage';
import { root, text } from './root';

/** Only addresses of this page: a link must not send anyone elsewhere after login. */
const pathOf = (value: unknown) => (typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : undefined);

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: LoginPage,
  validateSearch: (search: Record<string, unknown>): { next?: string; ended?: boolean; error?: string } => ({
    next: pathOf(search.next),
    ended: search.ended === true || undefined,
    error: text(search.error),
  }),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('@/features/login/ForgotPage'), 'ForgotPage'),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  validateSearch: (search: Record<string, unknown>): { asked?: boolean } => ({
    asked: search.asked === true || undefined,
  }),
  component: lazyRouteComponent(() => import('@/features/login/ResetPasswordPage'), 'ResetPasswordPage'),
});

const accept = createRoute({
  getParentRoute: () => root,
  path: '/accept-invitation',
  component: lazyRouteComponent(() => import('@/features/login/AcceptInvitationPage'), 'AcceptInvitationPage'),
});

const request = createRoute({
  getParentRoute: () => root,
  path: '/request-access',
  component: lazyRouteComponent(() => import('@/features/login/RequestAccessPage'), 'RequestAccessPage'),
});

const welcome = createRoute({
  getParentRoute: () => root,
  path: '/welcome',
  validateSearch: (search: Record<string, unknown>): { next?: string } => ({ next: pathOf(search.next) }),
  component: lazyRouteComponent(() => import('@/features/login/WelcomePage'), 'WelcomePage'),
});

export const entrance = [login, forgot, reset, accept, request, welcome] as const;
