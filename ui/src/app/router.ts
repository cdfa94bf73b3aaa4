/** Every address of the page. Each feature is its own download; login and projects come with the shell. */
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { HubAway } from '@/api/errors';
import { sessionQuery } from '@/api/queries';
import { NotFound, RouteError } from '@/components/RouteStates';
import { LoginPage } from '@/features/login/LoginPage';
import { ProjectsPage } from '@/features/projects/ProjectsPage';
import { queries } from './queryClient';
import { Shell } from './Shell';

const root = createRootRouteWithContext<object>()({ component: Outlet, notFoundComponent: NotFound });

/** Only addresses of this page: a link must not send anyone elsewhere after login. */
const pathOf = (value: unknown) => (typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : undefined);
const text = (value: unknown) => (typeof value === 'string' && value ? value : undefined);

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

const nextSearch = (search: Record<string, unknown>): { next?: string } => ({ next: pathOf(search.next) });

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
  validateSearch: nextSearch,
  component: lazyRouteComponent(() => import('@/features/login/WelcomePage'), 'WelcomePage'),
});

const inside = createRoute({
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

const admin = createRoute({
  getParentRoute: () => inside,
  path: '/admin',
  component: lazyRouteComponent(() => import('@/features/admin/AdminPage'), 'AdminPage'),
});
const adminHome = createRoute({
  getParentRoute: () => admin,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/admin/users' });
  },
});
const adminUsers = createRoute({
  getParentRoute: () => admin,
  path: 'users',
  component: lazyRouteComponent(() => import('@/features/admin/UsersPanel'), 'UsersPanel'),
});
const adminRequests = createRoute({
  getParentRoute: () => admin,
  path: 'access-requests',
  component: lazyRouteComponent(() => import('@/features/admin/RequestsPanel'), 'RequestsPanel'),
});
const adminTrusts = createRoute({
  getParentRoute: () => admin,
  path: 'trusts',
  component: lazyRouteComponent(() => import('@/features/admin/TrustsPanel'), 'TrustsPanel'),
});
const adminNets = createRoute({
  getParentRoute: () => admin,
  path: 'nets',
  component: lazyRouteComponent(() => import('@/features/admin/NetsPanel'), 'NetsPanel'),
});
const adminSite = createRoute({
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
const adminAudit = createRoute({
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
const adminMails = createRoute({
  getParentRoute: () => admin,
  path: 'mails',
  component: lazyRouteComponent(() => import('@/features/admin/MailsPanel'), 'MailsPanel'),
});
const adminSettings = createRoute({
  getParentRoute: () => admin,
  path: 'settings',
  component: lazyRouteComponent(() => import('@/features/admin/SettingsPanel'), 'SettingsPanel'),
});

/** For everybody, before login too: an error there has a code to look up. */
const open = createRoute({ getParentRoute: () => root, id: 'open', component: Shell });
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

const account = createRoute({
  getParentRoute: () => inside,
  path: '/account',
  component: lazyRouteComponent(() => import('@/features/account/AccountPage'), 'AccountPage'),
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

const model = createRoute({
  getParentRoute: () => inside,
  path: '/models/$modelId',
  component: lazyRouteComponent(() => import('@/features/model/ModelPage'), 'ModelPage'),
});

export const MODEL_PANELS = ['files', 'training', 'live', 'metrics', 'results'] as const;
export type ModelPanel = (typeof MODEL_PANELS)[number];

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

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    forgot,
    reset,
    accept,
    request,
    welcome,
    inside.addChildren([
      home,
      account,
      models,
      connections,
      myTrust,
      review,
      admin.addChildren([
        adminHome,
        adminUsers,
        adminRequests,
        adminTrusts,
        adminNets,
        adminSite,
        adminAudit,
        adminMails,
        adminSettings,
      ]),
      projects,
      project,
      cohort,
      model.addChildren([modelHome, files, training, live, metrics, results]),
    ]),
    open.addChildren([helpHome, help]),
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
