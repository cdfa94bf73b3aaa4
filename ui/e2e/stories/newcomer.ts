/** Somebody new: comes by an invitation, then has forgotten the password. An admin hands the codes on from the outbox. */
import type { Keyboard } from '../keyboard';
import { logIn, look, must, step } from './teller';

const GRACE = { email: 'grace@flip.example', name: 'Grace Hopper' };

export async function newcomer(keys: Keyboard, admin: Keyboard) {
  const { page } = keys;
  const button = (name: string) => page.getByRole('button', { name });

  await panel(admin, 'Users');
  await admin.enter(admin.page.getByRole('button', { name: 'Invite a person' }));
  await admin.write(admin.page.getByLabel('E-mail'), GRACE.email);
  await admin.write(admin.page.getByRole('dialog').getByLabel('Name'), GRACE.name);
  await look(admin.page, 'invite a person');
  await admin.enter(admin.page.getByRole('button', { name: 'Send the invitation' }));
  await admin.page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.goto(await address(admin, 'Your account at FLIP', 'accept-invitation'));
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
  await look(page, 'invitation');
  await keys.write(page.getByRole('textbox', { name: 'New password' }), 'a compass for the lost');
  await keys.enter(button('Make my account'));
  await page.getByText('Your account is made.').waitFor();
  await look(page, 'invitation accepted');
  await keys.enter(page.getByRole('link', { name: 'To the login' }));
  await page.getByLabel('E-mail').waitFor();
  step('an account made by invitation');

  await panel(admin, 'Users');
  await admin.choose(
    admin.page.getByRole('button', { name: `Acts on ${GRACE.name}` }),
    admin.page.getByRole('menuitem', { name: 'Send a password code' }),
  );
  await admin.page.getByText('A code is on its way by mail').waitFor();
  await page.goto(await address(admin, 'password', 'reset-password'));
  await page.getByRole('heading', { level: 1, name: 'New password' }).waitFor();
  await look(page, 'reset password');
  const password = 'another compass entirely';
  await keys.write(page.getByRole('textbox', { name: 'New password' }), password);
  await keys.enter(button('Set the password'));
  await page.getByText('Your new password is set').waitFor();
  await look(page, 'password reset');
  await logIn(keys, { email: GRACE.email, password });
  step('a forgotten password replaced');
}

async function panel(keys: Keyboard, name: string) {
  const panels = keys.page.getByRole('navigation', { name: 'Panels of the admin page' });
  await keys.enter(panels.getByRole('link', { name }));
}

/** Of the newest such mail, which this hub keeps because it has no mail server. */
async function address(admin: Keyboard, subject: string, path: string): Promise<string> {
  await panel(admin, 'Mails');
  const mail = admin.page.getByRole('listitem').filter({ hasText: GRACE.email }).filter({ hasText: subject }).first();
  await admin.enter(mail.locator('summary'));
  const found = new RegExp(`/${path}#\\S+`).exec((await mail.locator('pre').textContent()) ?? '');
  must(found !== null, `The mail “${subject}” has no address to go to.`);
  return String(found?.[0]);
}
