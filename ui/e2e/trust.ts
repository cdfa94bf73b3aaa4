/** The trust's own page in the browser: the first login of somebody of its staff, and a look at each page. */
import type { Page } from 'playwright-core';
import { violations } from './axe';
import { totp } from './totp';

export const PLACES = [
  { name: 'trust-projects', path: '/projects' },
  { name: 'trust-code', path: '/code' },
  { name: 'trust-left', path: '/left' },
  { name: 'trust-policy', path: '/policy' },
  { name: 'trust-optouts', path: '/optouts' },
  { name: 'trust-health', path: '/health' },
];

/** Leaves the browser at the start page, logged in; returns the authenticator's secret. */
export async function firstLogin(page: Page, login: string, given: string, own: string): Promise<string> {
  await page.goto('/login');
  await page.getByLabel('Login', { exact: true }).fill(login);
  await page.getByLabel('Password').fill(given);
  await page.getByRole('button', { name: 'Log in' }).click();
  const secret = ((await page.locator('#secret').textContent()) ?? '').replace(/\s/g, '');
  await page.getByLabel('New password', { exact: true }).fill(own);
  await page.getByLabel('New password again').fill(own);
  await page.getByLabel('The six digits it shows').fill(totp(secret));
  await page.getByRole('button', { name: 'Finish' }).click();
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
  return secret;
}

/** Against WCAG in light and dark, and whatever sticks out of the window. */
export async function faults(page: Page, name: string): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    found.push(...(await violations(page)).map((line) => `${name}, ${colorScheme}: ${line}`));
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) found.push(`${name} is ${over} px wider than the window`);
  return found;
}
