/**
 * A researcher's whole story, from the first login to the results. Nothing is reloaded after the login, and every page is
 * held to WCAG. Login and the new project go by keyboard alone.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { totp } from '../totp';
import { asked, look, must, outside, step, tabTo } from './teller';

export interface Told {
  project: string;
  model: string;
  password: string;
}

/** The tutorial's folder, and a copy whose pyproject.toml has lost a key. */
function apps() {
  const folder = mkdtempSync(join(tmpdir(), 'flip-story-'));
  const broken = join(folder, 'my-app');
  cpSync(asked.app, broken, { recursive: true });
  const whole = readFileSync(join(asked.app, 'pyproject.toml'), 'utf8');
  writeFileSync(join(broken, 'pyproject.toml'), whole.replace(/^clientapp = .*\n/m, ''));
  return { folder, broken, sql: readFileSync(join(asked.app, 'query.sql'), 'utf8') };
}

/** `decide`: the trusts' part, once the project is staged. */
export async function researcher(page: Page, decide: (project: string) => Promise<void>): Promise<Told> {
  const { folder, broken, sql } = apps();
  try {
    return await story(page, broken, sql, decide);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function story(page: Page, broken: string, sql: string, decide: (project: string) => Promise<void>) {
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const tab = (name: string) =>
    page.getByRole('navigation', { name: 'Panels of the model' }).getByRole('link', { name });

  // A first login: the given password works once, then an authenticator is set up.
  await page.goto('/login');
  await look(page, 'login');
  const { email, password: given } = asked.researcher;
  await tabTo(page, 'textbox', 'E-mail');
  await page.keyboard.type(email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(given);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Choose your password' }).waitFor();
  await look(page, 'first password');
  const password = `${given}-mine`;
  await page.getByLabel('Current password').fill(given);
  await page.getByLabel('New password', { exact: true }).fill(password);
  await page.getByLabel('New password again').fill(password);
  await button('Change password').click();
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  step('logged in, own password');

  const tour = page.getByTestId('tour');
  await tour.getByText('Start with a project').waitFor();
  await look(page, 'no project yet, first steps');
  await tour.getByRole('button', { name: 'Next' }).click();
  await tour.getByText('Ask who is in it').waitFor();
  await tour.getByRole('button', { name: 'Close the first steps' }).click();
  await tour.waitFor({ state: 'detached' });

  await page.locator('body').focus();
  await tabTo(page, 'button', 'New project');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Name' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.type('Coronary');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Who will have coronary disease? From the record alone.');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  must(await page.getByRole('radio', { name: 'Tabular' }).isChecked(), 'The arrow keys do not choose the type.');
  await look(page, 'new project');
  await tabTo(page, 'button', 'Create project');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Cohort query' }).waitFor();
  step('logged in and project created by keyboard alone');

  // Renamed while it is a draft; deleting wants the name, and can be left.
  const project = new URL(page.url()).pathname.split('/')[2] as string;
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Coronary' }).click();
  await button('Edit').click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Coronary risk');
  await look(page, 'edit project');
  must(await button('Delete project').isDisabled(), 'A project can be deleted without its name.');
  await button('Save').click();
  await page.getByRole('heading', { level: 1, name: 'Coronary risk' }).waitFor();
  await page.getByRole('link', { name: 'Write the cohort query' }).click();
  step('project renamed');

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
  await decide(project);
  await button('New model').first().waitFor(); // it appears by itself
  await look(page, 'approved');
  step('staged, approved by both trusts');

  await button('New model').first().click();
  await page.getByLabel('Name').fill('Regression');
  await button('Create model').click();
  await page.getByTestId('folder').waitFor({ state: 'attached' });
  await button('Edit').click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Logistic regression');
  await look(page, 'edit model');
  await button('Save').click();
  await page.getByRole('heading', { level: 1, name: 'Logistic regression' }).waitFor();
  const model = new URL(page.url()).pathname.split('/')[2] as string;
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

  // A copy has the same files; it goes again by its name.
  await button('Edit').click();
  await page.getByRole('textbox', { name: 'Name of the copy' }).fill('A copy');
  await button('Copy model').click();
  await page.getByRole('heading', { level: 1, name: 'A copy' }).waitFor();
  await page.getByText('Can be trained').waitFor();
  await button('Edit').click();
  await page.getByRole('textbox', { name: 'Name of the model to delete' }).fill('A copy');
  await button('Delete model').click();
  await page.getByRole('heading', { level: 1, name: 'Coronary risk' }).waitFor();
  await page.getByRole('link', { name: 'A copy' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Logistic regression' }).click();
  step('model copied, the copy deleted');

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

  const main = page.getByRole('navigation', { name: 'Main' });
  await main.getByRole('link', { name: 'Models' }).click();
  await page.getByRole('region', { name: 'Models' }).getByText('Logistic regression').waitFor();
  await look(page, 'models');
  await main.getByRole('link', { name: 'Connections' }).click();
  await page.getByText(`${asked.trusts.length + 1} of ${asked.trusts.length + 1} online`).waitFor();
  await look(page, 'connections');
  await page.getByRole('link', { name: 'Help' }).click();
  await page.getByText('SuperLink, SuperNode').waitFor();
  await look(page, 'glossary');
  await page.getByRole('link', { name: 'Error codes' }).click();
  await page.getByText('totp_required').first().waitFor();
  await look(page, 'error codes');
  step('models, connections, help');

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
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').first().fill(password);
  await button('Log in').click();
  await page.getByLabel('Code').waitFor();
  await look(page, 'login with a code');
  step('second factor in use');
  return { project, model, password };
}
