/**
 * A hospital's reviewer at the trust's own page: first login, a decision with conditions, what left, a withdrawal.
 *
 * `tests/test_trust_page_story.py` starts it. What a browser cannot see (that the hub has heard) is asked of whoever
 * started this: a line `@ what …`, answered with a line when it is so.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import { open } from './browser';
import { faults, firstLogin, PLACES } from './trust';

const asked = JSON.parse(process.argv[2] ?? '{}') as { page: string; login: string; password: string; project: string };
const OWN = 'correct horse battery staple';
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const problems: string[] = [];
const elsewhere: string[] = [];

async function outside(what: string) {
  console.log(`@ ${what}`);
  const answer = await answers.next();
  if (answer.value !== 'done') throw new Error(`“${what}” did not happen: ${answer.value}`);
}
async function look(page: Page, name: string) {
  problems.push(...(await faults(page, name)));
}

const { page, close } = await open(asked.page, { reducedMotion: 'reduce' });
page.setDefaultTimeout(60_000);
page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
page.on('request', (request) => request.url().startsWith(asked.page) || elsewhere.push(request.url()));
page.on('dialog', (dialog) => dialog.accept());
try {
  await story(page);
  for (const problem of problems) console.log(problem);
  if (problems.length) throw new Error(`${problems.length} faults; see above.`);
  if (elsewhere.length) throw new Error(`The page asked elsewhere: ${elsewhere.join(', ')}`);
} catch (error) {
  await page.screenshot({ path: process.env.FLIP_STORY_PICTURE ?? join(tmpdir(), 'flip-trust-story-failed.png') });
  console.log(`At ${page.url()}`);
  throw error;
} finally {
  await close();
  process.stdin.destroy();
}

async function story(page: Page) {
  const button = (name: string) => page.getByRole('button', { name, exact: true });

  await page.goto('/projects');
  await look(page, 'login');
  await firstLogin(page, asked.login, asked.password, OWN);

  await page.getByRole('link', { name: asked.project }).click();
  await page.getByRole('heading', { name: 'Your decision' }).waitFor();
  await page.getByText('persons', { exact: true }).waitFor();
  await look(page, 'project that waits');
  await page.getByLabel('Conditions').fill('Write to the data office before you publish.');
  await page.getByLabel('Days', { exact: true }).fill('30');
  await button('Approve').click();
  await page.getByRole('status').getByText('Approved').waitFor();
  await look(page, 'project that is approved');
  await outside('approved');

  // By keyboard alone: the first stop skips the menu.
  await page.goto('/left');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.id === 'main');
  await page.getByLabel('Kind').selectOption('decision');
  await button('Show').click();
  await page.getByRole('cell', { name: asked.login, exact: true }).first().waitFor();
  await button('Verify the chain').click();
  await page.getByRole('status').getByText('as they were written').waitFor();

  for (const place of PLACES) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(place.path);
    await look(page, place.name);
    await page.setViewportSize({ width: 320, height: 700 });
    await look(page, `${place.name} at 320 px`);
  }

  await page.goto('/projects');
  await page.getByRole('link', { name: asked.project }).click();
  await button('Withdraw').click();
  await page.getByRole('status').getByText('Withdrawn').waitFor();
  await outside('withdrawn');

  await button('Log out').click();
  await page.goto('/left');
  await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor();
}
