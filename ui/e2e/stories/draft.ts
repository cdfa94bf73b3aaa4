/** An imaging project that stays a draft: its series rule, told in words and changed; then it goes, by its name. */
import type { Keyboard } from '../keyboard';
import { look, must, step } from './teller';

export async function draft(keys: Keyboard) {
  const { page } = keys;
  const button = (name: string) => page.getByRole('button', { name });
  const series = page.locator('summary', { hasText: 'Image series' });
  const words = page.getByRole('list', { name: 'Image series that are taken' });

  await keys.enter(button('New project'));
  await keys.write(page.getByRole('textbox', { name: 'Name' }), 'Thin slices');
  await keys.write(page.getByLabel('Purpose'), 'How thin must a slice be?');
  await keys.enter(series);
  await keys.toggle(page.getByRole('checkbox', { name: 'CT' }));
  await keys.write(page.getByLabel('Description with one of'), 'portal');
  await keys.press('Enter'); // ends the word, and does not send the form
  await keys.write(page.getByLabel('Slices to (mm)'), '3');
  await look(page, 'new project with a series rule');
  await keys.enter(button('Create project'));
  await keys.enter(page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Thin slices' }));
  await words.waitFor();
  const told = (await words.getByRole('listitem').allTextContents()).join('; ');
  must(told === 'Modality CT; Description with “portal”; Slices of 3 mm or less', `The rule is told as: ${told}`);
  await look(page, 'draft with a series rule');

  await keys.enter(button('Edit'));
  await keys.enter(series);
  await keys.toggle(page.getByRole('checkbox', { name: 'axial' }));
  await look(page, 'edit the series rule');
  await keys.enter(button('Save'));
  await words.getByText('Axial slices').waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await button('Edit').and(page.locator(':focus')).waitFor(); // the drawer gives the focus back to what opened it
  await keys.enter(button('Edit'));
  await keys.write(page.getByRole('textbox', { name: 'Name of the project to delete' }), 'Thin slices');
  await keys.enter(button('Delete project'));
  await page.getByRole('heading', { level: 1, name: 'Projects' }).waitFor();
  await page.getByText('Start your first project').waitFor();
  step('a draft with a series rule, changed and deleted');
}
