/** Every page of each role, as addresses of the federation that `python -m demo.page` keeps. */
import type { Page } from 'playwright-core';

export interface Place {
  name: string;
  path: () => string;
  /** What must be there before it is looked at. */
  ready: string;
  /** Before the login. */
  outside?: boolean;
  /** Pictured from top to bottom. */
  whole?: boolean;
  /** Pictured only so far down: below it is a log with the paths of the machine that took the picture. */
  height?: number;
}

interface Named {
  id: string;
  name: string;
}

export type Person = 'researcher' | 'trust_admin' | 'admin';

export const OUTSIDE: Place[] = [
  { name: 'login', path: () => '/login', ready: 'button[type=submit]', outside: true },
  { name: 'forgot-password', path: () => '/forgot-password', ready: 'button[type=submit]', outside: true },
  { name: 'reset-password', path: () => '/reset-password', ready: 'button[type=submit]', outside: true },
  { name: 'accept-invitation', path: () => '/accept-invitation', ready: 'button[type=submit]', outside: true },
  { name: 'request-access', path: () => '/request-access', ready: 'button[type=submit]', outside: true },
  { name: 'help-glossary', path: () => '/help/glossary', ready: 'main dl', outside: true },
  { name: 'help-errors', path: () => '/help/errors#app_check_failed', ready: 'main table', outside: true },
  { name: 'help-findings', path: () => '/help/findings', ready: 'main h3', outside: true },
];

/** Asked with the page's own session. */
export async function placesInside(page: Page, person: Person): Promise<Place[]> {
  const read = <T>(path: string) => page.evaluate(async (p) => (await fetch(`/api/v1/${p}`)).json() as T, path);
  const projects = person === 'admin' ? [] : (await read<{ items: Named[] }>('projects?limit=200')).items;
  if (person === 'admin') return ADMIN;
  if (person === 'trust_admin') return trustAdmin((name) => found(projects, name).id);
  const spleen = found(projects, 'Spleen outlines').id;
  const models = await read<Named[]>(`projects/${spleen}/models`);
  return researcher(
    (name) => `/projects/${found(projects, name).id}`,
    (name) => `/models/${found(models, name).id}`,
  );
}

function researcher(project: (name: string) => string, model: (name: string) => string): Place[] {
  const net = () => model('Small U-Net');
  return [
    { name: 'projects', path: () => '/projects', ready: 'main li a' },
    { name: 'projects-table', path: () => '/projects?view=table', ready: 'main table' },
    { name: 'projects-new', path: () => '/projects?new=true', ready: '[role=dialog] form' },
    { name: 'project-draft', path: () => project('Rib fracture triage'), ready: 'ol' },
    { name: 'project-to-stage', path: () => project('Coronary risk'), ready: 'input[role=switch]' },
    { name: 'project-staged', path: () => project('Readmission after pneumonia'), ready: 'main table' },
    { name: 'project', path: () => project('Spleen outlines'), ready: 'main li svg' },
    { name: 'cohort-empty', path: () => `${project('Rib fracture triage')}/cohort`, ready: '.cm-content' },
    { name: 'cohort', path: () => `${project('Coronary risk')}/cohort`, ready: 'figure', whole: true },
    { name: 'models', path: () => '/models', ready: 'main table' },
    { name: 'connections', path: () => '/connections', ready: '[data-testid=topology]' },
    { name: 'model-empty', path: () => `${model('Transformer, not uploaded yet')}/files`, ready: '[data-missing]' },
    { name: 'model-files', path: () => `${net()}/files`, ready: 'main li button' },
    { name: 'model-training', path: () => `${net()}/training`, ready: 'input[inputmode]' },
    { name: 'model-live', path: () => `${net()}/live`, ready: '[data-testid=waterfall]', height: 690 },
    { name: 'model-metrics', path: () => `${net()}/metrics`, ready: '[data-testid=chart] canvas' },
    { name: 'model-results', path: () => `${net()}/results`, ready: 'main table' },
    {
      name: 'model-failed',
      path: () => `${model('Broken on purpose')}/live`,
      ready: '[data-testid=waterfall]',
      height: 690,
    },
    { name: 'account', path: () => '/account', ready: 'main table' },
  ];
}

function trustAdmin(project: (name: string) => string): Place[] {
  return [
    { name: 'my-trust', path: () => '/my-trust', ready: 'main table' },
    {
      name: 'my-trust-waiting',
      path: () => `/my-trust/${project('Readmission after pneumonia')}`,
      ready: 'main textarea',
    },
    {
      name: 'my-trust-review',
      path: () => `/my-trust/${project('Spleen outlines')}`,
      ready: 'main details',
      whole: true,
    },
  ];
}

const ADMIN: Place[] = [
  { name: 'admin-users', path: () => '/admin/users', ready: 'main table' },
  { name: 'admin-requests', path: () => '/admin/access-requests', ready: 'main li' },
  { name: 'admin-trusts', path: () => '/admin/trusts', ready: 'main table' },
  { name: 'admin-nets', path: () => '/admin/nets', ready: 'main table' },
  { name: 'admin-site', path: () => '/admin/site', ready: 'input[role=switch]' },
  { name: 'admin-audit', path: () => '/admin/audit', ready: 'main table' },
  { name: 'admin-mails', path: () => '/admin/mails', ready: 'main li' },
  { name: 'admin-settings', path: () => '/admin/settings', ready: 'main table' },
];

function found(all: readonly Named[], name: string): Named {
  const one = all.find((each) => each.name === name);
  if (!one) throw new Error(`The demo has no “${name}”; start it with an empty folder.`);
  return one;
}

/** Goes there and waits until it is drawn and still. */
export async function visit(page: Page, place: Place): Promise<void> {
  await page.goto(place.path());
  await page.locator(place.ready).first().waitFor({ timeout: 20_000 });
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true], .mantine-Skeleton-root'));
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(350);
}
