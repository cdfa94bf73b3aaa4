/** WCAG 2.2 AA by axe, of the page as it is on the screen. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, Result, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OPTIONS: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'],
};

/** Which of WCAG's rules the page keeps and which not. */
export async function audit(page: Page): Promise<{ passed: Result[]; failed: Result[] }> {
  const found = await run(page);
  return { passed: found.passes, failed: found.violations };
}

async function run(page: Page): Promise<AxeResults> {
  // Evaluated, not added as a script: the page's own policy would refuse one.
  await page.evaluate(SOURCE);
  return page.evaluate(
    (options) => (window as unknown as { axe: { run: (o: object) => Promise<AxeResults> } }).axe.run(options),
    OPTIONS as object,
  );
}

/** One line per violation; empty if there is none. */
export async function violations(page: Page): Promise<string[]> {
  return (await run(page)).violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${node.target.join(' ')}: ${node.failureSummary ?? ''}`),
  );
}

/** In light and in dark. What is animated has come to rest before it is measured. */
export async function violationsInBoth(page: Page, name: string): Promise<string[]> {
  const all: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.waitForFunction((scheme) => document.documentElement.dataset.mantineColorScheme === scheme, colorScheme);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    all.push(...(await violations(page)).map((line) => `${name}, ${colorScheme}: ${line}`));
  }
  return all;
}
