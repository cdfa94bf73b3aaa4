/**
 * Images on the trust's own page: the exclusion table, thumbnails, a dropped label, and NiiVue showing both.
 *
 * `tests/test_trust_images_story.py` starts it, gives it a session, and looks at the pictures that it takes.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { violations } from './axe';
import { open, SOFTWARE_WEBGL } from './browser';

interface Asked {
  page: string;
  cookie: string;
  project: string;
  study: string;
  label: string;
  /** For what is drawn, and for the pages. */
  canvas: string;
  pictures: string;
}
const asked = JSON.parse(process.argv[2] ?? '{}') as Asked;
const problems: string[] = [];
const elsewhere: string[] = [];

const { context, page, close } = await open(asked.page, { reducedMotion: 'reduce' }, { flags: SOFTWARE_WEBGL });
page.setDefaultTimeout(60_000);
page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
page.on('console', (said) => {
  if (said.type() === 'error') problems.push(`console: ${said.text()}`);
});
page.on('request', (request) => {
  if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(asked.page)) elsewhere.push(request.url());
});
try {
  await context.addCookies([{ name: 'flip_trust', value: asked.cookie, url: asked.page }]);
  await story(page);
  if (elsewhere.length) problems.push(`asked elsewhere: ${elsewhere.join(', ')}`);
  for (const problem of problems) console.log(problem);
  if (problems.length) throw new Error(`${problems.length} faults; see above.`);
} catch (error) {
  console.log(`At ${page.url()}`);
  await page.screenshot({ path: join(asked.canvas, 'failed.png'), fullPage: true });
  throw error;
} finally {
  await close();
}

async function look(page: Page, name: string) {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    problems.push(...(await violations(page)).map((line) => `${name}, ${colorScheme}: ${line}`));
    await page.screenshot({ path: join(asked.pictures, `trust-images-${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 320, height: 700 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) problems.push(`${name} is ${over} px wider than a small screen`);
  await page.setViewportSize({ width: 1360, height: 860 });
}

async function story(page: Page) {
  await page.goto(`/images/${asked.project}`);
  await page.getByText('Gaps of whole slices').waitFor();
  await page.setInputFiles('#files', asked.label);
  await page.getByText('1 of 1 added.').waitFor();
  await page.reload();
  const preview = page.locator('img.preview').first();
  await preview.scrollIntoViewIfNeeded();
  await page.waitForFunction(() => (document.querySelector('img.preview') as HTMLImageElement).naturalWidth > 100);
  await look(page, 'project');

  await page.goto(`/images/${asked.project}/${asked.study}`);
  await page.locator('#view-state[data-ready="yes"]').waitFor();
  await page.waitForTimeout(300); // one more frame
  await page.locator('#canvas').screenshot({ path: join(asked.canvas, 'with-label.png') });
  await look(page, 'study');
  await page.locator('select[name=label]').selectOption('');
  await page.locator('#view-state[data-ready="yes"]').waitFor();
  await page.waitForTimeout(300);
  await page.locator('#canvas').screenshot({ path: join(asked.canvas, 'without-label.png') });
}
