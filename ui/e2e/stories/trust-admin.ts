/** The hospital's admin: decides about a project with conditions, by keyboard alone. */
import type { Page } from 'playwright-core';
import { login } from '../browser';
import { asked, look, outside, step, tabTo } from './teller';

const CONDITIONS = 'Only for the stated purpose. Results are shown to us before they are published.';

export async function decides(page: Page, trust: string) {
  await outside(`allow ${trust}`); // the trust's policy lets its admins decide here
  const { email, password } = asked.trustAdmin;
  await login(page, email, password);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'My trust' }).click();
  await page.getByRole('link', { name: 'Coronary risk' }).waitFor();
  await look(page, 'my trust, one waits');
  await tabTo(page, 'link', 'Coronary risk');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'What is asked' }).waitFor();
  await page.getByRole('list', { name: 'The query in words' }).waitFor();
  await page.getByText('Persons at your trust').waitFor();
  await look(page, 'review');
  await tabTo(page, 'textbox', 'Conditions');
  await page.keyboard.type(CONDITIONS);
  await page.keyboard.press('Tab');
  await page.keyboard.type('30');
  await tabTo(page, 'button', 'Approve');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Withdraw' }).waitFor();
  step('decided with conditions, by keyboard alone');
}
