/**
 * A researcher's whole story in the browser, on a federation that runs already. `tests/test_page_story.py` starts it.
 *
 * What a browser cannot do (a trust's yes, a hub that goes away) is asked of whoever started this: a line `@ what …`,
 * answered with a line when it is done. Nothing is reloaded after the first login, and every page is held to WCAG.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import { violationsInBoth } from './axe';
import { open } from './browser';
import { totp } from './totp';

const asked = JSON.parse(process.argv[2] ?? '{}') as {
  hub: string;
  email: string;
  password: string;
  app: string;
  trusts: string[];
  never: string;
};
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const accessibility: string[] = [];
const scripts: string[] = [];
const started = Date.now();

function step(text: string) {
  console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
}
async function outside(what: string) {
  console.log(`@ ${what}`);
  const answer = await answers.next();
  if (answer.value !== 'done') throw new Error(`“${what}” was not done: ${answer.value}`);
}
async function look(page: Page, name: string) {
  const found = await violationsInBoth(page, name);
  for (const line of found) console.log(line);
  accessibility.push(...found);
}
function must(held: boolean, otherwise: string) {
  if (!held) throw new Error(otherwise);
}

/** The tutorial's folder, and a copy whose pyproject.toml has lost a key. */
const folder = mkdtempSync(join(tmpdir(), 'flip-story-'));
const broken = join(folder, 'my-app');
cpSync(asked.app, broken, { recursive: true });
const whole = readFileSync(join(asked.app, 'pyproject.toml'), 'utf8');
writeFileSync(join(broken, 'pyproject.toml'), whole.replace(/^clientapp = .*\n/m, ''));
const sql = readFileSync(join(asked.app, 'query.sql'), 'utf8');

const { page, close } = await open(asked.hub, { reducedMotion: 'reduce', acceptDownloads: true });
page.setDefaultTimeout(60_000);
page.on('pageerror', (error) => scripts.push(error.message));
try {
  await story(page);
  must(scripts.length === 0, `Errors in scripts:\n${scripts.join('\n')}`);
  must(accessibility.length === 0, `${accessibility.length} times against WCAG; see above.`);
  step('The end: no script error, no accessibility violation.');
} catch (error) {
  await page.screenshot({ path: process.env.FLIP_STORY_PICTURE ?? join(tmpdir(), 'flip-story-failed.png') });
  console.log(`At ${page.url()}`);
  throw error;
} finally {
  await close();
  rmSync(folder, { recursive: true, force: true });
  process.stdin.destroy();
}

async function story(page: Page) {
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const tab = (name: string) =>
    page.getByRole('navigation', { name: 'Panels of the model' }).getByRole('link', { name });

  // A first login: the given password works once, then an authenticator is set up.
  await page.goto('/login');
  await look(page, 'login');
  await page.getByLabel('E-mail').fill(asked.email);
  await page.getByLabel('Password').first().fill(asked.password);
  await button('Log in').click();
  await page.getByRole('heading', { name: 'Choose your password' }).waitFor();
  await look(page, 'first password');
  const password = `${asked.password}-mine`;
  await page.getByLabel('Current password').fill(asked.password);
  await page.getByLabel('New password', { exact: true }).fill(password);
  await page.getByLabel('New password again').fill(password);
  await button('Change password').click();
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  step('logged in, own password');

  await look(page, 'no project yet');
  await button('New project').first().click();
  await page.getByLabel('Name').fill('Coronary risk');
  await page.getByLabel('Purpose').fill('Who will have coronary disease? From the record alone.');
  await page.getByLabel('Tabular').check();
  await look(page, 'new project');
  await button('Create project').click();
  await page.getByRole('heading', { level: 1, name: 'Cohort query' }).waitFor();
  step('project created');

  // A wrong column is marked at its place while one writes.
  const editor = page.locator('.cm-content');
  await editor.click();
  await page.keyboard.insertText('SELECT person_id,\n  shoe_size\nFROM omop.person');
  await page.getByText(/Line 2, column \d+:.*shoe_size/).waitFor();
  await page.locator('.cm-lintRange-error', { hasText: 'shoe_size' }).waitFor();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(sql);
  await page.getByText('Selects person_id, age').waitFor();
  await page.keyboard.press('Control+Enter');
  const all = asked.trusts.length + 1;
  await page.getByText(`${all} of ${all} trusts answered`).waitFor();
  for (const trust of asked.trusts)
    await page
      .getByRole('region', { name: `Answer of ${trust}` })
      .getByText(/\d+ persons/)
      .waitFor();
  await page.locator('figure').first().waitFor();
  await look(page, 'cohort');
  step('cohort answered by every trust');

  await page.getByRole('link', { name: 'Choose trusts and stage' }).click();
  await page.getByRole('switch', { name: `Ask ${asked.never}` }).press('Space');
  await look(page, 'stage');
  await button('Ask 2 trusts to approve').click();
  await page.getByRole('heading', { name: 'Trusts' }).waitFor();
  await look(page, 'staged');
  await outside(`approve ${new URL(page.url()).pathname.split('/')[2]}`);
  await button('New model').first().waitFor(); // it appears by itself
  await look(page, 'approved');
  step('staged, approved by both trusts');

  await button('New model').first().click();
  await page.getByLabel('Name').fill('Logistic regression');
  await button('Create model').click();
  await page.getByTestId('folder').setInputFiles(broken);
  await page.getByText('app/server_app.py').first().waitFor();
  await page.getByText(/1 error|2 errors/).waitFor();
  await page
    .getByText(/clientapp/)
    .first()
    .waitFor();
  await look(page, 'files with a finding');
  await tab('Training').click();
  await page.getByText(/to mend in Files/).waitFor();
  must(await button('Initiate Training').isDisabled(), 'An app with errors can be trained.');
  await tab('Files').click();
  await page.locator('input[type=file]:not([data-testid])').setInputFiles(join(asked.app, 'pyproject.toml'));
  await page.getByText('Can be trained').waitFor();
  step('told of the missing key, mended');

  await tab('Training').click();
  const rounds = page.getByRole('textbox', { name: 'num-server-rounds' });
  await rounds.fill('4');
  await rounds.blur();
  await page.getByText('With num-server-rounds = 4').waitFor();
  await look(page, 'training');
  await button('Initiate Training').click();
  await page.getByTestId('progress').waitFor();
  await page.locator('[data-testid=progress][data-status=TRAINING_STARTED]').waitFor({ timeout: 90_000 });
  step('training');

  // The bar and the charts move; nobody reloads.
  await page.getByTestId('waterfall').waitFor();
  await tab('Metrics').click();
  const chart = page.getByTestId('chart').first();
  await chart.locator('canvas').waitFor({ timeout: 60_000 });
  const before = (await page.getByTestId('chart').locator('li').allTextContents()).join();
  await page.waitForFunction(
    (old) =>
      [...document.querySelectorAll<HTMLElement>('[data-testid=chart] li')].map((one) => one.textContent).join() !==
      old,
    before,
    { timeout: 60_000 },
  );
  step('charts move');
  await page.locator('[data-testid=progress][data-status=RESULTS_UPLOADED]').waitFor({ timeout: 90_000 });
  await page.waitForTimeout(400);
  await look(page, 'metrics');
  await tab('Live').click();
  await page.getByTestId('waterfall').waitFor();
  await page.getByText('Results').first().waitFor();
  await look(page, 'live');
  step('trained');

  await tab('Results').click();
  const coming = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download Results' }).click();
  const zip = readFileSync(await (await coming).path());
  must(zip.subarray(0, 2).toString() === 'PK' && zip.length > 1000, 'The results are no zip.');
  await button('Model card').click();
  await page.getByText('# Logistic regression').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('list', { name: 'Files of the results' }).waitFor();
  await look(page, 'results');
  step(`results downloaded, ${zip.length} bytes`);

  // The hub goes away and comes back. The page says so, and goes on.
  const fresh = page.getByTestId('freshness');
  await outside('lose-hub');
  await fresh.getByText(/Reconnecting · data is \d+ s old/).waitFor();
  await outside('return-hub');
  await fresh.getByText('Live').waitFor();
  step('hub lost and found again');

  await button(/account of/).click();
  await page.getByRole('menuitem', { name: 'Account' }).click();
  await button('Set up an authenticator').click();
  await page.getByAltText('QR code for your authenticator app').waitFor();
  const secret = ((await page.locator('code').first().textContent()) ?? '').replace(/\s/g, '');
  await look(page, 'account with QR code');
  await page.getByLabel('Digit 1').click();
  await page.keyboard.type(totp(secret));
  await button('Check and use it').click();
  await page.getByText('They are shown').waitFor();
  await look(page, 'recovery codes');
  must(await page.evaluate(() => 'sameDocument' in window), 'The page was loaded anew on the way.');

  await button(/account of/).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByLabel('E-mail').fill(asked.email);
  await page.getByLabel('Password').first().fill(password);
  await button('Log in').click();
  await page.getByLabel('Code').waitFor();
  await look(page, 'login with a code');
  step('second factor in use');
}
