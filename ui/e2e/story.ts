/**
 * The stories of the page in the browser, by keyboard alone, on a federation that runs already.
 * `tests/test_page_story.py` starts it.
 *
 * What no browser does (a hospital's command line, a hub that goes away) is asked of whoever started this: a line
 * `@ what …`, answered with a line that begins with `done`.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Opened, open } from './browser';
import { Keyboard } from './keyboard';
import { admin } from './stories/admin';
import { newcomer } from './stories/newcomer';
import { researcher } from './stories/researcher';
import { asked, must, outside, step, wrong } from './stories/teller';
import { decides, withdraws } from './stories/trust-admin';

const opened: Opened[] = [];
const keyboards: Keyboard[] = [];

async function window(tour = false): Promise<Keyboard> {
  const one = await open(asked.hub, { reducedMotion: 'reduce', acceptDownloads: true }, { tour });
  opened.push(one);
  one.page.setDefaultTimeout(60_000);
  one.page.on('pageerror', (error) => wrong.push(`script: ${error.message}`));
  const keys = new Keyboard(one.page);
  keyboards.push(keys);
  await keys.refuseMouse();
  return keys;
}

try {
  const [first, ...others] = asked.trusts;
  const hospital = await window();
  const told = await researcher(await window(true), async (project) => {
    await decides(hospital, first as string);
    for (const trust of others) await outside(`approve ${trust} ${project}`);
  });
  await withdraws(hospital, first as string, told);
  const office = await window();
  await admin(office, told);
  await newcomer(await window(), office);
  must(wrong.length === 0, `${wrong.length} things were wrong on the way; see above.`);
  const presses = keyboards.reduce((sum, keys) => sum + keys.presses, 0);
  step(`The end: ${presses} keys and no mouse; no script error, no violation, nothing wider than a phone.`);
} catch (error) {
  for (const [index, { page }] of opened.entries()) {
    await page.screenshot({ path: process.env.FLIP_STORY_PICTURE ?? join(tmpdir(), `flip-story-failed-${index}.png`) });
    console.log(`At ${page.url()}`);
  }
  throw error;
} finally {
  for (const one of opened) await one.close();
  process.stdin.destroy();
}
