/** The hub's admin: a hospital enrolled by its code, a lost authenticator, a drain, and the audit of it all. */
import type { Keyboard } from '../keyboard';
import type { Told } from './researcher';
import { asked, closed, logIn, look, must, outside, step } from './teller';

export async function admin(keys: Keyboard, told: Told) {
  const { page } = keys;
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const panel = (name: string) =>
    page.getByRole('navigation', { name: 'Panels of the admin page' }).getByRole('link', { name });
  await logIn(keys, asked.admin);
  await keys.enter(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Admin' }));

  // Ada has lost her authenticator.
  await keys.write(page.getByRole('textbox', { name: 'Search users' }), asked.researcher.email);
  const row = page.getByRole('row', { name: new RegExp(asked.researcher.email) });
  await row.getByText('In use').waitFor();
  await look(page, 'users');
  const acts = button('Acts on Ada Story');
  await keys.choose(acts, page.getByRole('menuitem', { name: 'Change name, role, access' }));
  await look(page, 'change an account');
  await closed(keys, acts);
  await keys.choose(acts, page.getByRole('menuitem', { name: 'Reset second factor' }));
  await row.getByText('The next login sets up a new authenticator.').waitFor();
  await row.getByText('None').waitFor();
  step('second factor reset');

  await keys.enter(panel('Access requests'));
  await page.getByText('Nobody waits').waitFor();
  await look(page, 'access requests');

  await keys.enter(panel('Trusts'));
  await keys.enter(button('New trust'));
  await keys.write(page.getByRole('textbox', { name: 'Name' }), 'trust-delta');
  await look(page, 'new trust');
  await keys.enter(button('Make the trust'));
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
  await keys.enter(button('Revoke trust-delta'));
  await keys.enter(page.getByRole('dialog').getByRole('button', { name: 'Revoke' }));
  await page
    .getByRole('row', { name: /trust-delta/ })
    .getByText('Revoked')
    .waitFor();
  step('a trust enrolled by its code, and revoked');

  // Drained: what runs goes on, nothing new starts, and everyone is told.
  await keys.enter(panel('Banner and mode'));
  await keys.write(page.getByRole('textbox', { name: 'Message' }), 'New version at six.');
  await keys.enter(button('Show the banner'));
  await keys.write(page.getByRole('textbox', { name: 'Reason' }), 'A new version at six.');
  await keys.toggle(page.getByRole('switch', { name: 'Start nothing new' }));
  await page.getByTestId('deployment-mode').getByText('A new version at six.').waitFor();
  await page.getByText('the hub can be changed now').waitFor();
  await look(page, 'deployment mode');
  const waiting = await outside(`train ${told.model}`);
  must(waiting.startsWith('queued'), `A run starts although the hub is drained: ${waiting}`);
  await keys.toggle(page.getByRole('switch', { name: 'Start nothing new' }));
  await page.getByTestId('deployment-mode').waitFor({ state: 'detached' });
  await keys.enter(button('Take it away'));
  await page.getByText('New version at six.').waitFor({ state: 'detached' });
  step('drained, and back at work');

  await keys.enter(panel('Nets'));
  await page.getByRole('region', { name: 'Nets, table' }).getByText('Online').waitFor();
  await look(page, 'nets');
  await net(keys);

  await keys.enter(panel('Audit'));
  await keys.write(page.getByRole('textbox', { name: 'Action' }), 'user.totp');
  await page.getByRole('region', { name: 'Audit events' }).getByText('user.totp_reset').first().waitFor();
  await look(page, 'audit');
  await keys.enter(panel('Mails'));
  await page.getByRole('heading', { name: 'Mails' }).waitFor();
  await look(page, 'mails');
  await keys.enter(panel('Settings'));
  await page.getByRole('region', { name: 'Settings', exact: true }).waitFor();
  await look(page, 'settings');
  step('audit searched');
}

/** Another one, taken into use, drained and removed again. It is the same SuperLink under a second name. */
async function net(keys: Keyboard) {
  const { page } = keys;
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const confirmed = (name: string) => page.getByRole('dialog').getByRole('button', { name });
  const { url, key, superlink, ca } = JSON.parse(await outside('net')) as Record<string, string>;
  await keys.enter(button('Add a net'));
  await keys.write(page.getByRole('textbox', { name: 'Name' }), 'net-2');
  await keys.write(page.getByRole('textbox', { name: 'FL API', exact: true }), url as string);
  await keys.write(page.getByLabel('Key of the FL API'), key as string);
  await keys.write(page.getByRole('textbox', { name: 'SuperLink, as trusts reach it' }), superlink as string);
  await keys.paste(page.getByRole('textbox', { name: 'Certificate of its authority' }), ca as string);
  await look(page, 'add a net');
  await keys.enter(button('Add the net'));
  const row = page.getByRole('row', { name: /net-2/ });
  await row.waitFor();
  await keys.enter(button('Drain net-2'));
  await look(page, 'drain a net');
  await keys.enter(confirmed('Drain'));
  await row.getByText('Draining').waitFor();
  await look(page, 'nets, one draining');
  await keys.enter(button('Remove net-2'));
  await keys.enter(confirmed('Remove'));
  await row.waitFor({ state: 'detached' });
  step('a net added, drained, removed');
}
