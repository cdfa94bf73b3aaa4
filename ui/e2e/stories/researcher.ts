/**
 * A researcher's whole story, from the first login to the results. Nothing is reloaded after the login, and every page is
 * held to WCAG.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Keyboard } from '../keyboard';
import { totp } from '../totp';
import { draft } from './draft';
import { asked, closed, look, must, outside, step } from './teller';

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
export async function researcher(keys: Keyboard, decide: (project: string) => Promise<void>): Promise<Told> {
  const { folder, broken, sql } = apps();
  try {
    return await story(keys, broken, sql, decide);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function story(keys: Keyboard, broken: string, sql: string, decide: (project: string) => Promise<void>) {
  const { page } = keys;
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const tab = (name: string) =>
    page.getByRole('navigation', { name: 'Panels of the model' }).getByRole('link', { name });

  // A first login: the given password works once, then an authenticator is set up.
  await page.goto('/login');
  await look(page, 'login');
  const { email, password: given } = asked.researcher;
  await keys.write(page.getByLabel('E-mail'), email);
  await keys.write(page.getByLabel('Password').first(), given);
  await keys.press('Enter');
  await page.getByRole('heading', { name: 'Choose your password' }).waitFor();
  await look(page, 'first password');
  const password = `${given}-mine`;
  await keys.write(page.getByLabel('Current password'), given);
  await keys.write(page.getByLabel('New password', { exact: true }), password);
  await keys.write(page.getByLabel('New password again'), password);
  await keys.enter(button('Change password'));
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  step('logged in, own password');

  const tour = page.getByTestId('tour');
  await tour.getByText('Start with a project').waitFor();
  await look(page, 'no project yet, first steps');
  await keys.enter(tour.getByRole('button', { name: 'Next' }));
  await tour.getByText('Ask who is in it').waitFor();
  await keys.enter(tour.getByRole('button', { name: 'Close the first steps' }));
  await tour.waitFor({ state: 'detached' });

  await draft(keys);
  await keys.enter(button('New project'));
  await page.getByRole('textbox', { name: 'Name' }).and(page.locator(':focus')).waitFor();
  await keys.type('Coronary');
  await keys.write(page.getByLabel('Purpose'), 'Who will have coronary disease? From the record alone.');
  await keys.press('Tab');
  await keys.press('ArrowDown');
  must(await page.getByRole('radio', { name: 'Tabular' }).isChecked(), 'The arrow keys do not choose the type.');
  await look(page, 'new project');
  await keys.enter(button('Create project'));
  await page.getByRole('heading', { level: 1, name: 'Cohort query' }).waitFor();
  step('project created');

  // Renamed while it is a draft; deleting wants the name, and can be left.
  const project = new URL(page.url()).pathname.split('/')[2] as string;
  await keys.enter(page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Coronary' }));
  await keys.enter(button('Edit'));
  await keys.write(page.getByRole('textbox', { name: 'Name', exact: true }), 'Coronary risk');
  await look(page, 'edit project');
  must(await button('Delete project').isDisabled(), 'A project can be deleted without its name.');
  await keys.enter(button('Save'));
  await page.getByRole('heading', { level: 1, name: 'Coronary risk' }).waitFor();
  await keys.enter(page.getByRole('link', { name: 'Write the cohort query' }));
  step('project renamed');

  // A wrong column is marked at its place while one writes.
  const editor = page.locator('.cm-content');
  await keys.paste(editor, 'SELECT person_id,\n  shoe_size\nFROM omop.person');
  await page.getByText(/Line 2, column \d+:.*shoe_size/).waitFor();
  await page.locator('.cm-lintRange-error', { hasText: 'shoe_size' }).waitFor();
  await keys.paste(editor, sql);
  await page.getByText('Selects person_id, age').waitFor();
  await keys.press('ControlOrMeta+Enter');
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

  await keys.enter(page.getByRole('link', { name: 'Choose trusts and stage' }));
  await keys.toggle(page.getByRole('switch', { name: `Ask ${asked.never}` }));
  await look(page, 'stage');
  await keys.enter(button('Ask 2 trusts to approve'));
  await page.getByRole('heading', { name: 'Trusts' }).waitFor();
  await look(page, 'staged');
  await decide(project);
  await button('New model').first().waitFor(); // it appears by itself
  await look(page, 'approved');
  step('staged, approved by both trusts');

  await keys.enter(button('New model'));
  await keys.write(page.getByLabel('Name'), 'Regression');
  await keys.enter(button('Create model'));
  await page.getByTestId('folder').waitFor({ state: 'attached' });
  await keys.enter(button('Edit'));
  await keys.write(page.getByRole('textbox', { name: 'Name', exact: true }), 'Logistic regression');
  await look(page, 'edit model');
  await keys.enter(button('Save'));
  await page.getByRole('heading', { level: 1, name: 'Logistic regression' }).waitFor();
  const model = new URL(page.url()).pathname.split('/')[2] as string;
  await keys.upload(button('Folder'), broken);
  await page.getByText('app/server_app.py').first().waitFor();
  await page.getByText(/1 error|2 errors/).waitFor();
  await page
    .getByText(/clientapp/)
    .first()
    .waitFor();
  await look(page, 'files with a finding');
  await keys.enter(tab('Training'));
  await page.getByText(/to mend in Files/).waitFor();
  must(await button('Initiate Training').isDisabled(), 'An app with errors can be trained.');
  await keys.enter(tab('Files'));
  await keys.upload(button('Files or zip'), join(asked.app, 'pyproject.toml'));
  await page.getByText('Can be trained').waitFor();
  step('told of the missing key, mended');

  // A file is read, and the window gives the focus back to its name.
  const file = page.getByRole('button', { name: 'pyproject.toml', exact: true });
  await keys.enter(file);
  await page.getByRole('dialog').getByText('serverapp').first().waitFor();
  await look(page, 'a file');
  await closed(keys, file);

  // A file goes; what has the focus then is the list that it was in.
  await keys.enter(button('Delete README.md'));
  await page.getByRole('region', { name: 'Files', exact: true }).and(page.locator(':focus')).waitFor();
  await button('Delete README.md').waitFor({ state: 'detached' });

  // A copy has the same files; it goes again by its name.
  await keys.enter(button('Edit'));
  await keys.write(page.getByRole('textbox', { name: 'Name of the copy' }), 'A copy');
  await keys.enter(button('Copy model'));
  await page.getByRole('heading', { level: 1, name: 'A copy' }).waitFor();
  await page.getByText('Can be trained').waitFor();
  await keys.enter(button('Edit'));
  await keys.write(page.getByRole('textbox', { name: 'Name of the model to delete' }), 'A copy');
  await keys.enter(button('Delete model'));
  await page.getByRole('heading', { level: 1, name: 'Coronary risk' }).waitFor();
  await page.getByRole('link', { name: 'A copy' }).waitFor({ state: 'detached' });
  await keys.enter(page.getByRole('link', { name: 'Logistic regression' }));
  step('model copied, the copy deleted');

  await keys.enter(tab('Training'));
  const rounds = page.getByRole('textbox', { name: 'num-server-rounds' });
  await keys.write(rounds, '4');
  await keys.press('Tab');
  await page.getByText('With num-server-rounds = 4').waitFor();
  await look(page, 'training');
  await keys.enter(button('Initiate Training'));
  await page.getByTestId('progress').waitFor();
  await page.locator('[data-testid=progress][data-status=TRAINING_STARTED]').waitFor({ timeout: 90_000 });
  step('training');

  // The bar and the charts move; nobody reloads.
  await page.getByTestId('waterfall').waitFor();
  await keys.enter(tab('Metrics'));
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
  await keys.enter(tab('Live'));
  await page.getByTestId('waterfall').waitFor();
  await page.getByText('Results').first().waitFor();
  await look(page, 'live');
  step('trained');

  await keys.enter(tab('Results'));
  const coming = page.waitForEvent('download');
  await keys.enter(page.getByRole('link', { name: 'Download Results' }));
  const zip = readFileSync(await (await coming).path());
  must(zip.subarray(0, 2).toString() === 'PK' && zip.length > 1000, 'The results are no zip.');
  await keys.enter(button('Model card'));
  await page.getByText('# Logistic regression').waitFor();
  await keys.press('Escape');
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
  await keys.enter(main.getByRole('link', { name: 'Models' }));
  await page.getByRole('region', { name: 'Models' }).getByText('Logistic regression').waitFor();
  await look(page, 'models');
  await keys.enter(main.getByRole('link', { name: 'Connections' }));
  await page.getByText(`${asked.trusts.length + 1} of ${asked.trusts.length + 1} online`).waitFor();
  await look(page, 'connections');
  await keys.enter(page.getByRole('link', { name: 'Help' }));
  await page.getByText('SuperLink, SuperNode').waitFor();
  await look(page, 'glossary');
  await keys.enter(page.getByRole('link', { name: 'Error codes' }));
  await page.getByText('totp_required').first().waitFor();
  await look(page, 'error codes');
  step('models, connections, help');

  await keys.choose(button(/account of/), page.getByRole('menuitem', { name: 'Account' }));
  await keys.enter(button('New token'));
  await look(page, 'new token');
  await closed(keys, button('New token'));
  await keys.enter(button('Set up an authenticator'));
  await page.getByAltText('QR code for your authenticator app').waitFor();
  const secret = ((await page.locator('code').first().textContent()) ?? '').replace(/\s/g, '');
  await look(page, 'account with QR code');
  await keys.reach(page.getByLabel('Digit 1'));
  await keys.type(totp(secret));
  await keys.enter(button('Check and use it'));
  await page.getByText('They are shown').waitFor();
  await look(page, 'recovery codes');
  must(await page.evaluate(() => 'sameDocument' in window), 'The page was loaded anew on the way.');

  await keys.choose(button(/account of/), page.getByRole('menuitem', { name: 'Log out' }));
  await keys.write(page.getByLabel('E-mail'), email);
  await keys.write(page.getByLabel('Password').first(), password);
  await keys.enter(button('Log in'));
  await page.getByLabel('Code').waitFor();
  await look(page, 'login with a code');
  step('second factor in use');
  return { project, model, password };
}
