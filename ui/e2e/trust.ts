/** The trust's own page in the browser: the first login of somebody of its staff, and a look at each page. */
import type { Page } from 'playwright-core';
import { violations } from './axe';
import type { Keyboard } from './keyboard';
import { AT_A_TRUST, primaries } from './primary';
import { totp } from './totp';

export const PLACES = [
  { name: 'trust-projects', path: '/projects' },
  { name: 'trust-code', path: '/code' },
  { name: 'trust-left', path: '/left' },
  { name: 'trust-policy', path: '/policy' },
  { name: 'trust-optouts', path: '/optouts' },
  { name: 'trust-health', path: '/health' },
];

/** Leaves the browser at the start page, logged in. */
export async function firstLogin(keys: Keyboard, login: string, given: string, own: string): Promise<void> {
  const { page } = keys;
  await page.goto('/login');
  await keys.write(page.getByLabel('Login', { exact: true }), login);
  await keys.write(page.getByLabel('Password'), given);
  await keys.enter(page.getByRole('button', { name: 'Log in' }));
  const secret = ((await page.locator('#secret').textContent()) ?? '').replace(/\s/g, '');
  await keys.write(page.getByLabel('New password', { exact: true }), own);
  await keys.write(page.getByLabel('New password again'), own);
  await keys.write(page.getByLabel('The six digits it shows'), totp(secret));
  await keys.enter(page.getByRole('button', { name: 'Finish' }));
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
}

/** Against WCAG in light and dark, more than one primary action, and whatever sticks out of the window. */
export async function faults(page: Page, name: string): Promise<string[]> {
  const found = await primaries(page, name, AT_A_TRUST);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    found.push(...(await violations(page)).map((line) => `${name}, ${colorScheme}: ${line}`));
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) found.push(`${name} is ${over} px wider than the window`);
  return found;
}
