/** `npx tsx e2e/trust-screenshots.ts PAGE LOGIN PASSWORD FOLDER`: a picture of each page of a trust in light and dark. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from './browser';
import { Keyboard } from './keyboard';
import { firstLogin, PLACES } from './trust';

const [address, login, password, folder] = process.argv.slice(2);
if (!address || !login || !password || !folder) throw new Error('Give the page’s address, login, password, a folder.');
mkdirSync(folder, { recursive: true });

const { page, close } = await open(address, { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
try {
  await page.goto('/login');
  await picture('trust-login');
  await firstLogin(new Keyboard(page), login, password, 'correct horse battery staple');
  for (const place of PLACES) {
    await page.goto(place.path);
    await picture(place.name);
  }
  await page.goto('/projects');
  for (const [name, state] of [
    ['trust-project', 'pending'],
    ['trust-project-approved', 'approved'],
  ] as const) {
    await page.goto('/projects');
    const row = page.getByRole('row').filter({ hasText: state }).first();
    if (!(await row.count())) continue;
    await row.getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Your decision' }).waitFor();
    await picture(name);
  }
} finally {
  await close();
}

async function picture(name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: join(folder as string, `${name}-${colorScheme}.png`) });
  }
}
