/** Who is logged in, in this tab. */
import type { User } from './types';

const KEY = 'flip-token';
let token = sessionStorage.getItem(KEY);
let onEnd: () => void = () => {};

export const session = {
  get token() {
    return token;
  },
  headers(): Record<string, string> {
    return token ? { authorization: `Bearer ${token}` } : {};
  },
  start(fresh: string) {
    token = fresh;
    sessionStorage.setItem(KEY, fresh);
  },
  forget() {
    token = null;
    sessionStorage.removeItem(KEY);
  },
  /** The hub does not know us any more. */
  ended() {
    session.forget();
    onEnd();
  },
  whenEnded(act: () => void) {
    onEnd = act;
  },
};

export type { User };
