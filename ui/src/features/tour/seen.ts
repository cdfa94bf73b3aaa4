/** Which roles' first steps this browser has shown. */
import type { Role } from '@/api/types';

const KEY = 'flip-tour-seen';

const read = () => (localStorage.getItem(KEY) ?? '').split(',');

export const hasSeen = (role: Role) => read().includes(role) || read().includes('all');

export function keepSeen(role: Role) {
  localStorage.setItem(KEY, [...new Set([...read().filter(Boolean), role])].join(','));
}
