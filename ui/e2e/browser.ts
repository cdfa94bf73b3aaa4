/** Debian's Chromium, driven by Playwright; never a browser of Playwright's own download. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env.FLIP_CHROMIUM ?? '/usr/bin/chromium';
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Opened {
  context: BrowserContext;
  page: Page;
  close: () => Promise<void>;
}

/** WebGL without a graphics card, for what draws volumes. */
export const SOFTWARE_WEBGL = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];

/** `tour`: as a first visit, with the first steps of one's role. `flags`: further ones of Chromium. */
export async function open(
  baseURL: string,
  options: BrowserContextOptions = {},
  { tour = false, flags = [] as string[] } = {},
): Promise<Opened> {
  if (!existsSync(EXECUTABLE)) {
    throw new Error(
      `There is no Chromium at ${EXECUTABLE}. Install Debian's (apt-get install chromium), or set FLIP_CHROMIUM.`,
    );
  }
  const profile = mkdtempSync(join(tmpdir(), 'flip-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    headless: true,
    args: [...QUIET.filter((flag) => !flags.length || flag !== '--disable-gpu'), ...flags],
    baseURL,
    viewport: { width: 1360, height: 860 },
    ...options,
  });
  // tsx names functions by a helper, which functions that are sent into the page miss.
  await context.addInitScript('globalThis.__name ??= (named) => named');
  // A blank page has no storage.
  if (!tour) await context.addInitScript("try { localStorage.setItem('flip-tour-seen', 'all') } catch {}");
  const page = context.pages()[0] ?? (await context.newPage());
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, page, close };
}

export async function login(page: Page, email: string, password: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').first().fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
}
