/**
 * `npx tsx e2e/screenshots.ts HUB PEOPLE FOLDER [--width 360] [--axe] [--hide FOLDER …] [NAME …]`: a picture of every page in
 * light and dark. What lies in a folder to hide is shown as if it lay in /srv/flip.
 * PEOPLE is JSON: `{"researcher": {"email": …, "password": …}, "trust_admin": …, "admin": …}`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { violations } from './axe';
import { login, open } from './browser';
import { OUTSIDE, type Person, type Place, placesInside, visit } from './pages';
import { primaries } from './primary';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: 'string', default: '1280' },
    axe: { type: 'boolean' },
    whole: { type: 'boolean' },
    hide: { type: 'string', multiple: true, default: [] },
  },
});
const [hub, people, folder, ...names] = positionals;
if (!hub || !people || !folder) throw new Error('Give the hub’s address, its people and a folder.');
const who = JSON.parse(people) as Record<Person, { email: string; password: string }>;
mkdirSync(folder, { recursive: true });

const width = Number(values.width);
const { page, close } = await open(hub, {
  viewport: { width, height: width < 600 ? 780 : 800 },
  reducedMotion: 'reduce',
});
const wanted = (place: Place) => !names.length || names.includes(place.name);
const problems: string[] = [];
let inside = false;
page.on('console', (message) => {
  // Help is for everybody, and asks who is there: of somebody who is not logged in, 401 is the answer.
  const expected = !inside && message.text().includes('401');
  if (message.type() === 'error' && !expected) problems.push(`console: ${message.text()} ${page.url()}`);
});
page.on('pageerror', (error) => problems.push(`script: ${error.message} ${page.url()}`));

try {
  for (const place of OUTSIDE.filter(wanted)) await picture(page, place);
  inside = true;
  for (const person of Object.keys(who) as Person[]) {
    const { email, password } = who[person];
    await page.context().clearCookies();
    await login(page, email, password);
    const places = await placesInside(page, person);
    for (const place of places.filter(wanted)) await picture(page, place);
  }
} finally {
  await close();
}
for (const problem of problems) console.log(problem);
process.exitCode = problems.length ? 1 : 0;

async function picture(page: Page, place: Place): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await visit(page, place);
    await page.evaluate(hide, values.hide);
    const clip = place.height ? { clip: { x: 0, y: 0, width, height: place.height } } : {};
    await page.screenshot({
      ...clip,
      path: join(folder as string, `${place.name}-${colorScheme}.png`),
      fullPage: values.whole || place.whole,
    });
    if (colorScheme === 'light') problems.push(...(await primaries(page, place.name)));
    if (values.axe) for (const line of await violations(page)) problems.push(`${place.name}, ${colorScheme}: ${line}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) problems.push(`${place.name} is ${over} px wider than the window`);
  }
}

/** Runs in the page. */
function hide(folders: string[]): void {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode())
    for (const folder of folders)
      if (text.textContent?.includes(folder)) text.textContent = text.textContent.replaceAll(folder, '/srv/flip');
}
