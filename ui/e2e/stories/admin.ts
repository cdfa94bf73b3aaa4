/** The hub's admin: a hospital enrolled by its code, a lost authenticator, a drain, and the audit of it all. */
import type { Page } from 'playwright-core';
import { login } from '../browser';
import type { Told } from './researcher';
import { asked, look, must, outside, step } from './teller';

export async function admin(page: Page, told: Told) {
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const panel = (name: string) =>
    page.getByRole('navigation', { name: 'Panels of the admin page' }).getByRole('link', { name });
  await login(page, asked.admin.email, asked.admin.password);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Admin' }).click();

  // Ada has lost her authenticator.
  await page.getByRole('textbox', { name: 'Search users' }).fill(asked.researcher.email);
  const row = page.getByRole('row', { name: new RegExp(asked.researcher.email) });
  await row.getByText('In use').waitFor();
  await look(page, 'users');
  await button(/^Acts on/).click();
  await page.getByRole('menuitem', { name: 'Reset second factor' }).click();
  await row.getByText('The next login sets up a new authenticator.').waitFor();
  await row.getByText('None').waitFor();
  step('second factor reset');

  await panel('Access requests').click();
  await page.getByText('Nobody waits').waitFor();
  await look(page, 'access requests');

  await panel('Trusts').click();
  await button('New trust').click();
  await page.getByRole('textbox', { name: 'Name' }).fill('trust-delta');
  await look(page, 'new trust');
  await button('Make the trust').click();
  const code = ((await page.getByTestId('secret').textContent()) ?? '').trim();
  must(code.length > 10, 'No enrolment code is shown.');
  await page
    .getByRole('row', { name: /trust-delta/ })
    .getByText('Not enrolled yet')
    .waitFor();
  await look(page, 'trusts, a code');
  await outside(`enrol trust-delta ${code}`);
  await page
    .getByRole('row', { name: /trust-delta/ })
    .getByText(/Online|Offline/)
    .waitFor();
  await button('Revoke trust-delta').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page
    .getByRole('row', { name: /trust-delta/ })
    .getByText('Revoked')
    .waitFor();
  step('a trust enrolled by its code, and revoked');

  // Drained: what runs goes on, nothing new starts, and everyone is told.
  await panel('Banner and mode').click();
  await page.getByRole('textbox', { name: 'Message' }).fill('New version at six.');
  await button('Show the banner').click();
  await page.getByRole('textbox', { name: 'Reason' }).fill('A new version at six.');
  await page.getByRole('switch', { name: 'Start nothing new' }).press('Space');
  await page.getByTestId('deployment-mode').getByText('A new version at six.').waitFor();
  await page.getByText('the hub can be changed now').waitFor();
  await look(page, 'deployment mode');
  const waiting = await outside(`train ${told.model}`);
  must(waiting.startsWith('queued'), `A run starts although the hub is drained: ${waiting}`);
  await page.getByRole('switch', { name: 'Start nothing new' }).press('Space');
  await page.getByTestId('deployment-mode').waitFor({ state: 'detached' });
  await button('Take it away').click();
  await page.getByText('New version at six.').waitFor({ state: 'detached' });
  step('drained, and back at work');

  await panel('Nets').click();
  await page.getByRole('region', { name: 'Nets, table' }).getByText('Online').waitFor();
  await look(page, 'nets');

  await panel('Audit').click();
  await page.getByRole('textbox', { name: 'Action' }).fill('user.totp');
  await page.getByRole('region', { name: 'Audit events' }).getByText('user.totp_reset').first().waitFor();
  await look(page, 'audit');
  await panel('Mails').click();
  await page.getByRole('heading', { name: 'Mails' }).waitFor();
  await look(page, 'mails');
  await panel('Settings').click();
  await page.getByRole('region', { name: 'Settings', exact: true }).waitFor();
  await look(page, 'settings');
  step('audit searched');
}
