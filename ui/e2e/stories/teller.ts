/** What every story needs: its steps on the output, its helper outside the browser, and its list of what was wrong. */
import { createInterface } from 'node:readline';
import type { Locator, Page } from 'playwright-core';
import { violationsInBoth } from '../axe';
import type { Keyboard } from '../keyboard';
import { primaries } from '../primary';

export interface Asked {
  hub: string;
  app: string;
  trusts: string[];
  never: string;
  /** Of the researcher and of the trust's admin: accounts whose password is to be changed. */
  researcher: { email: string; password: string };
  trustAdmin: { email: string; password: string };
  admin: { email: string; password: string };
}

export const asked = JSON.parse(process.argv[2] ?? '{}') as Asked;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const started = Date.now();

/** Violations of WCAG and errors of scripts, as they were met. */
export const wrong: string[] = [];

export function step(text: string) {
  console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
}

/** Something that no browser does, by whoever started this; its answer is what it has to say. */
export async function outside(what: string): Promise<string> {
  console.log(`@ ${what}`);
  const answer = String((await answers.next()).value ?? '');
  if (!answer.startsWith('done')) throw new Error(`“${what}” was not done: ${answer}`);
  return answer.slice(4).trim();
}

/**
 * Held to WCAG in light and dark, to one primary action, and to a phone of 320 px: nothing may scroll sideways.
 *
 * What has the focus may not be there on a phone (the bar's links); it gets it back with the width.
 */
export async function look(page: Page, name: string) {
  const focused = await page.evaluateHandle(() => document.activeElement as HTMLElement | null);
  const found = [...(await violationsInBoth(page, name)), ...(await primaries(page, name))];
  const size = page.viewportSize();
  for (const width of [360, 320]) {
    await page.setViewportSize({ width, height: 780 });
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) found.push(`${name}, ${width} px wide: ${over} px stick out${await culprit(page)}`);
  }
  if (size) await page.setViewportSize(size);
  await focused.evaluate((element) => element?.focus({ preventScroll: true }));
  for (const line of found) console.log(line);
  wrong.push(...found);
}

/** The innermost element that reaches beyond the window, for whoever has to mend it. */
function culprit(page: Page): Promise<string> {
  return page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const inside = (element: Element): boolean => {
      for (let up = element.parentElement; up; up = up.parentElement)
        if (/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX)) return true;
      return false;
    };
    const found = [...document.querySelectorAll('main *, header *')].filter(
      (element) => element.getBoundingClientRect().right > wide + 1 && !inside(element),
    );
    const last = found.at(-1);
    return last ? ` (${last.tagName.toLowerCase()}.${last.className})` : '';
  });
}

export function must(held: boolean, otherwise: string) {
  if (!held) throw new Error(otherwise);
}

/** A window by Escape; what opened it has the focus again. */
export async function closed(keys: Keyboard, opener: Locator) {
  await keys.press('Escape');
  await keys.page.getByRole('dialog').waitFor({ state: 'detached' });
  await opener.and(keys.page.locator(':focus')).waitFor();
}

/** By keyboard, as everything in the stories. */
export async function logIn(keys: Keyboard, { email, password }: { email: string; password: string }) {
  const { page } = keys;
  await page.goto('/login');
  await keys.write(page.getByLabel('E-mail'), email);
  await keys.write(page.getByLabel('Password').first(), password);
  await keys.enter(page.getByRole('button', { name: 'Log in' }));
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
}
