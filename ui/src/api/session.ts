/** This browser's login. The cookie is the browser's affair; here is what unsafe requests have to carry beside it. */

let csrf: string | null = null;
let onEnd: () => void = () => {};

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export const session = {
  /** For requests that do not go through `hub`. */
  headers(method: string): Record<string, string> {
    return csrf && !SAFE.has(method) ? { 'x-csrf-token': csrf } : {};
  },
  remember(token: string | null) {
    csrf = token;
  },
  /** The hub does not know us any more. */
  ended() {
    csrf = null;
    onEnd();
  },
  whenEnded(act: () => void) {
    onEnd = act;
  },
};
