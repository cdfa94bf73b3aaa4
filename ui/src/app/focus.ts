/**
 * Who goes by keyboard keeps a place. A browser drops the focus when what has it is taken away (a deleted row, a link to
 * the page that is left) or disabled (a button while it works); then it goes to the nearest thing that is still there.
 */

/** Windows return the focus by themselves a moment after they close; they go first. */
const GRACE_MS = 60;
/** How long a button that works may take until its surroundings get the focus instead. */
const WORK_MS = 500;
const REGIONS = '[role=dialog], section[aria-labelledby], main';
const OVERLAYS = '[role=dialog], [role=menu], [role=listbox]';

export function keepFocus(): void {
  let last: HTMLElement | null = null;
  let way: HTMLElement[] = [];
  /** From before a window or menu opened: what opened it, and what that is in. */
  let below: HTMLElement[] = [];
  let timer = 0;

  document.addEventListener('focusin', ({ target }) => {
    last = target as HTMLElement;
    way = wayUp(last);
    if (!last.closest(OVERLAYS)) below = way;
  });
  // Who clicks beside everything wants the focus nowhere.
  document.addEventListener('pointerdown', () => {
    last = null;
  });

  const look = (since: number) => {
    if (!last || !nothingHasIt()) return;
    const waited = Date.now() - since;
    if (last.isConnected && !last.matches(':disabled')) return last.focus({ preventScroll: true });
    if (waited < (last.isConnected ? WORK_MS : GRACE_MS)) return later(since);
    moveTo([...way, ...below]);
  };
  const later = (since: number) => {
    timer = window.setTimeout(() => {
      timer = 0;
      look(since);
    }, GRACE_MS);
  };
  new MutationObserver(() => {
    if (!timer && last && (!last.isConnected || last.matches(':disabled'))) later(Date.now());
  }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] });
}

const nothingHasIt = () => document.activeElement === null || document.activeElement === document.body;

function wayUp(from: HTMLElement): HTMLElement[] {
  const found = [from];
  for (let up = from.parentElement; up && up !== document.body; up = up.parentElement) found.push(up);
  return found;
}

/** To the first that is still there and takes it; else to the region around it. */
function moveTo(candidates: readonly HTMLElement[]): void {
  for (const one of candidates) {
    if (!one.isConnected) continue;
    const region = one.matches('a, button, input, select, textarea') ? one : one.closest<HTMLElement>(REGIONS);
    if (!region || region.matches(':disabled')) continue;
    if (region !== one && !region.hasAttribute('tabindex')) region.tabIndex = -1;
    region.focus({ preventScroll: true });
    if (!nothingHasIt()) return;
  }
  const main = document.querySelector<HTMLElement>('main');
  if (!main) return;
  if (!main.hasAttribute('tabindex')) main.tabIndex = -1;
  main.focus({ preventScroll: true });
}
