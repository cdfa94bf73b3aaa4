/** The hospital's admin: decides with conditions by keyboard alone, sees the code, withdraws in the middle of a run. */
import type { Page } from 'playwright-core';
import { login } from '../browser';
import type { Told } from './researcher';
import { asked, look, must, outside, step, tabTo } from './teller';

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

/** After the researcher's run: what the app is, what left; then a second run, and a no in the middle of it. */
export async function withdraws(page: Page, trust: string, told: Told) {
  await page.getByRole('heading', { name: 'Code of Logistic regression' }).waitFor();
  await page.getByText(/The same as what ran at your trust/).waitFor();
  const left = page.getByRole('region', { name: 'What left' });
  await left.getByText('Model updates').first().waitFor();
  await left.getByText('Metrics').first().waitFor();
  await look(page, 'review after a run');
  await outside(`change ${told.model}`);
  await page.reload();
  await page.getByText(/Changed since it ran at your trust/).waitFor();
  await page.locator('[data-sign="+"]', { hasText: 'a line that was not there' }).waitFor();
  step('what left, and the difference of the code');

  await outside(`long-run ${told.model}`);
  const withdraw = page.getByRole('button', { name: 'Withdraw' });
  await withdraw.click();
  await look(page, 'withdraw');
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('Withdrawn', { exact: true }).first().waitFor();
  const state = await outside(`left ${told.model} ${trust}`);
  must(state.startsWith('left'), `The trust is still part of the run: ${state}`);
  await page.getByRole('link', { name: 'My trust' }).first().click();
  await page.getByRole('region', { name: 'What left' }).getByText('Model updates').first().waitFor();
  await look(page, 'my trust');
  step('withdrawn in the middle of a run');
}
