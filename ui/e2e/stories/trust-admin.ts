/** The hospital's admin: decides with conditions, sees the code and what left, withdraws in the middle of a run. */
import type { Keyboard } from '../keyboard';
import type { Told } from './researcher';
import { asked, logIn, look, must, outside, step } from './teller';

const CONDITIONS = 'Only for the stated purpose. Results are shown to us before they are published.';

export async function decides(keys: Keyboard, trust: string) {
  const { page } = keys;
  await outside(`allow ${trust}`); // the trust's policy lets its admins decide here
  await logIn(keys, asked.trustAdmin);
  await keys.enter(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'My trust' }));
  await page.getByRole('link', { name: 'Coronary risk' }).waitFor();
  await look(page, 'my trust, one waits');
  await keys.enter(page.getByRole('link', { name: 'Coronary risk' }));
  await page.getByRole('heading', { name: 'What is asked' }).waitFor();
  await page.getByRole('list', { name: 'The query in words' }).waitFor();
  await page.getByText('Persons at your trust').waitFor();
  await look(page, 'review');
  await keys.write(page.getByRole('textbox', { name: 'Conditions' }), CONDITIONS);
  await keys.write(page.getByRole('textbox', { name: 'Days until it ends' }), '30');
  await keys.enter(page.getByRole('button', { name: 'Approve' }));
  await page.getByRole('button', { name: 'Withdraw' }).waitFor();
  step('decided with conditions');
}

/** After the researcher's run: what the app is, what left; then a second run, and a no in the middle of it. */
export async function withdraws(keys: Keyboard, trust: string, told: Told) {
  const { page } = keys;
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
  await keys.enter(withdraw);
  await look(page, 'withdraw');
  await keys.enter(page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }));
  await page.getByText('Withdrawn', { exact: true }).first().waitFor();
  const state = await outside(`left ${told.model} ${trust}`);
  must(state.startsWith('left'), `The trust is still part of the run: ${state}`);
  await keys.enter(page.getByRole('link', { name: 'My trust' }));
  await page.getByRole('region', { name: 'What left' }).getByText('Model updates').first().waitFor();
  await look(page, 'my trust');
  step('withdrawn in the middle of a run');
}
