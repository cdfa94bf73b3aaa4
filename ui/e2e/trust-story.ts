/**
 * A hospital's reviewer at the trust's own page, by keyboard alone: first login, a decision with conditions, what left,
 * a withdrawal.
 *
 * `tests/test_trust_page_story.py` starts it. What a browser cannot see (that the hub has heard) is asked of whoever
 * started this: a line `@ what …`, answered with a line when it is so.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import { open } from './browser';
import { Keyboard } from './keyboard';
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
page.on('dialog', (dialog) => dialog.accept()); // the browser's own window, which Enter would answer
try {
  const keys = new Keyboard(page);
  await keys.refuseMouse();
  await story(keys);
  console.log(`${keys.presses} keys, no mouse`);
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

async function story(keys: Keyboard) {
  const { page } = keys;
  const button = (name: string) => page.getByRole('button', { name, exact: true });

  await page.goto('/projects');
  await look(page, 'login');
  await firstLogin(keys, asked.login, asked.password, OWN);

  await keys.enter(page.getByRole('link', { name: asked.project }));
  await page.getByRole('heading', { name: 'Your decision' }).waitFor();
  await page.getByText('persons', { exact: true }).waitFor();
  await look(page, 'project that waits');
  await keys.write(page.getByLabel('Conditions'), 'Write to the data office before you publish.');
  await keys.write(page.getByLabel('Days', { exact: true }), '30');
  await keys.enter(button('Approve'));
  await page.getByRole('status').getByText('Approved').waitFor();
  await look(page, 'project that is approved');
  await outside('approved');

  // The first stop skips the menu.
  await page.goto('/left');
  await keys.press('Tab');
  await keys.press('Enter');
  await page.waitForFunction(() => document.activeElement?.id === 'main');
  const kind = page.getByLabel('Kind');
  await keys.reach(kind);
  await keys.type('decision');
  if ((await kind.inputValue()) !== 'decision') throw new Error('The kind cannot be chosen by its first letters.');
  await keys.enter(button('Show'));
  await page.getByRole('cell', { name: asked.login, exact: true }).first().waitFor();
  await keys.enter(button('Verify the chain'));
  await page.getByRole('status').getByText('as they were written').waitFor();

  for (const place of PLACES) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(place.path);
    await look(page, place.name);
    await page.setViewportSize({ width: 320, height: 700 });
    await look(page, `${place.name} at 320 px`);
  }

  await page.goto('/projects');
  await keys.enter(page.getByRole('link', { name: asked.project }));
  await keys.enter(button('Withdraw'));
  await page.getByRole('status').getByText('Withdrawn').waitFor();
  await outside('withdrawn');

  await keys.enter(button('Log out'));
  await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor(); // or the next address would be asked first
  await page.goto('/left');
  await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor();
}
