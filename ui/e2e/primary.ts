/** A page has one thing to do, at most: one filled button. An open window or drawer is a page of its own. */
import type { Page } from 'playwright-core';

const ON_THE_HUB = '.mantine-Button-root[data-variant=filled]';
export const AT_A_TRUST = 'button:not(.quiet):not(.danger)';

export async function primaries(page: Page, name: string, filled = ON_THE_HUB): Promise<string[]> {
  const found = await page.evaluate((selector) => {
    const shown = (element: Element) => element.checkVisibility({ visibilityProperty: true });
    const open = [...document.querySelectorAll('[role=dialog]')].filter(shown).at(-1) ?? document.body;
    return [...open.querySelectorAll(selector)].filter(shown).map((button) => button.textContent);
  }, filled);
  return found.length > 1 ? [`${name} has ${found.length} primary actions: ${found.join(', ')}`] : [];
}
