import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { inside, text } from './root';

const admin = createRoute({
  getParentRoute: () => inside,
  path: '/admin',
  component: lazyRouteComponent(() => import('@/features/admin/AdminPage'), 'AdminPage'),
});
const home = createRoute({
  getParentRoute: () => admin,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/admin/users' });
  },
});
const users = createRoute({
  getParentRoute: () => admin,
  path: 'users',
  component: lazyRouteComponent(() => import('@/features/admin/UsersPanel'), 'UsersPanel'),
});
const requests = createRoute({
  getParentRoute: () => admin,
  path: 'access-requests',
  component: lazyRouteComponent(() => import('@/features/admin/RequestsPanel'), 'RequestsPanel'),
});
const trusts = createRoute({
  getParentRoute: () => admin,
  path: 'trusts',
  component: lazyRouteComponent(() => import('@/features/admin/TrustsPanel'), 'TrustsPanel'),
});
const nets = createRoute({
  getParentRoute: () => admin,
  path: 'nets',
  component: lazyRouteComponent(() => import('@/features/admin/NetsPanel'), 'NetsPanel'),
});
const site = createRoute({
  getParentRoute: () => admin,
  path: 'site',
  component: lazyRouteComponent(() => import('@/features/admin/SitePanel'), 'SitePanel'),
});

export interface AuditSearch {
  action?: string;
  actor?: string;
  subject?: string;
  /** As `2026-11-28`, of the reader's own zone. */
  day?: string;
}

const audit = createRoute({
  getParentRoute: () => admin,
  path: 'audit',
  validateSearch: (search: Record<string, unknown>): AuditSearch => ({
    action: text(search.action),
    actor: text(search.actor),
    subject: text(search.subject),
    day: typeof search.day === 'string' && /^\d{4}-\d\d-\d\d$/.test(search.day) ? search.day : undefined,
  }),
  component: lazyRouteComponent(() => import('@/features/admin/AuditPanel'), 'AuditPanel'),
});
const mails = createRoute({
  getParentRoute: () => admin,
  path: 'mails',
  component: lazyRouteComponent(() => import('@/features/admin/MailsPanel'), 'MailsPanel'),
});
const settings = createRoute({
  getParentRoute: () => admin,
  path: 'settings',
  component: lazyRouteComponent(() => import('@/features/admin/SettingsPanel'), 'SettingsPanel'),
});

export const adminRoutes = admin.addChildren([home, users, requests, trusts, nets, site, audit, mails, settings]);
