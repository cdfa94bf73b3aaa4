/**
 * Somebody without a mouse. The focus moves by Tab, Shift+Tab and the arrows alone, and things are done by Enter, Space
 * and typing alone. What no key reaches, a focus that cannot be seen, and a focus that got lost, fail by their name.
 */
import type { Locator, Page } from 'playwright-core';

/** More than any page has stops; beyond it the focus goes round and never arrives. */
const MOST = 200;
/** A window that closes gives the focus back a moment later. */
const PATIENCE_MS = 3000;

export class Keyboard {
  readonly page: Page;
  presses = 0;

  constructor(page: Page) {
    this.page = page;
  }

  /** Any pointer on any page from now on is an error of its script, which the stories count. */
  async refuseMouse(): Promise<void> {
    await this.page.addInitScript(() =>
      addEventListener(
        'pointerdown',
        () => {
          throw new Error('Something was done with a mouse.');
        },
        true,
      ),
    );
  }

  async press(key: string): Promise<void> {
    this.presses += 1;
    await this.page.keyboard.press(key);
  }

  /** Types at the focus. */
  async type(text: string): Promise<void> {
    this.presses += text.length;
    await this.page.keyboard.type(text);
  }

  /** Moves the focus there; how many keys it took is counted. */
  async reach(wanted: Locator): Promise<void> {
    const target = wanted.first();
    await target.waitFor({ state: 'attached' });
    await this.heldSomewhere(wanted);
    if (await target.evaluate(hasFocus)) return;
    const before = await target.evaluate(looks);
    const key = await target.evaluate(wayTo);
    for (let count = 0; count < MOST; count += 1) {
      // An editor may take Tab for itself; the page says beside it that Escape first leaves it.
      if (await this.page.evaluate(inEditor)) await this.press('Escape');
      await this.press(key);
      if (await target.evaluate(hasFocus)) return this.seen(wanted, before);
    }
    throw new Error(`No ${key} leads to ${wanted}; the focus is on ${await this.focused()}.`);
  }

  /** A link or a button. */
  async enter(wanted: Locator): Promise<void> {
    await this.reach(wanted);
    await this.press('Enter');
  }

  /** A switch or a tick box. */
  async toggle(wanted: Locator): Promise<void> {
    await this.reach(wanted);
    await this.press('Space');
  }

  /** In the place of what a field holds. */
  async write(wanted: Locator, text: string): Promise<void> {
    await this.reach(wanted);
    await this.press('ControlOrMeta+a');
    await this.type(text);
  }

  /** What nobody types: put in at once, as from the clipboard. */
  async paste(wanted: Locator, text: string): Promise<void> {
    await this.reach(wanted);
    await this.press('ControlOrMeta+a');
    await this.page.keyboard.insertText(text);
  }

  /** An entry of a menu: opened by Enter, chosen by the arrows. */
  async choose(menu: Locator, entry: Locator): Promise<void> {
    await this.enter(menu);
    await entry.waitFor();
    for (let count = 0; count < MOST; count += 1) {
      await this.press('ArrowDown');
      if (!(await entry.evaluate(hasFocus))) continue;
      await this.press('Enter');
      return;
    }
    throw new Error(`No arrow leads to ${entry}; the focus is on ${await this.focused()}.`);
  }

  /** The button opens the system's own window; what is chosen there is given here. */
  async upload(button: Locator, files: string): Promise<void> {
    const coming = this.page.waitForEvent('filechooser');
    await this.enter(button);
    await (await coming).setFiles(files);
  }

  private async heldSomewhere(wanted: Locator): Promise<void> {
    await this.page.waitForFunction(isHeld, null, { timeout: PATIENCE_MS }).catch(() => {
      throw new Error(`On the way to ${wanted} the focus was lost: nothing on ${this.page.url()} has it.`);
    });
  }

  private async seen(wanted: Locator, before: string): Promise<void> {
    const target = wanted.first();
    if ((await target.evaluate(looks)) === before) throw new Error(`The focus on ${wanted} cannot be seen.`);
    if (await target.evaluate(isCovered)) throw new Error(`${wanted} has the focus and something else lies over it.`);
  }

  private focused(): Promise<string> {
    return this.page.evaluate(() => {
      const at = document.activeElement;
      return at
        ? `${at.tagName.toLowerCase()} “${(at.getAttribute('aria-label') ?? at.textContent ?? '').slice(0, 60)}”`
        : 'nothing';
    });
  }
}

// What follows runs in the page.

function hasFocus(element: Element): boolean {
  return element === document.activeElement;
}

function inEditor(): boolean {
  return document.activeElement?.closest('.cm-editor') != null;
}

/** Of a page that was just loaded nothing has the focus, and nothing has to. */
function isHeld(): boolean {
  const walked = document as Document & { walked?: true };
  if (walked.walked) return document.activeElement !== null && document.activeElement !== document.body;
  walked.walked = true;
  return true;
}

function wayTo(element: Element): 'Tab' | 'Shift+Tab' {
  const from = document.activeElement ?? document.body;
  return from.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING ? 'Shift+Tab' : 'Tab';
}

/** Whatever can mark a focus, of the element and of what is drawn for it: a switch's own input is invisible. */
function looks(element: Element): string {
  const nodes = [element, ...(element.parentElement?.children ?? []), ...element.children];
  for (let up = element.parentElement, level = 0; up && level < 4; up = up.parentElement, level += 1) nodes.push(up);
  return nodes
    .map((node) => {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } =
        getComputedStyle(node);
      const outline = outlineStyle === 'none' ? '' : `${outlineStyle} ${outlineWidth} ${outlineColor}`;
      return [outline, boxShadow, borderColor, backgroundColor].join();
    })
    .join('\n');
}

/** WCAG 2.4.11: not wholly hidden by a fixed header or the like. */
function isCovered(element: Element): boolean {
  const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
  if (width < 4 || height < 4) return false; // drawn by something else
  const places = [
    [(left + right) / 2, (top + bottom) / 2],
    [left + 2, top + 2],
    [right - 2, top + 2],
    [left + 2, bottom - 2],
    [right - 2, bottom - 2],
  ] as const;
  return !places.some(([x, y]) => {
    const hit = document.elementFromPoint(x, y);
    return hit !== null && (element.contains(hit) || hit.contains(element));
  });
}
