/** `[tool.flwr.app.config]` of the app as fields of a form. */
import { parse } from 'smol-toml';

export interface Field {
  key: string;
  kind: 'number' | 'integer' | 'boolean' | 'text';
  value: string | number | boolean;
}

/** The platform sets these itself. */
const RESERVED = new Set(['flip-model-id', 'flip-project-id', 'flip-cohort-query', 'flip-min-clients']);

export function fieldsOf(pyproject: string): Field[] {
  const document = parse(pyproject, { integersAsBigInt: 'asNeeded' }) as Record<string, unknown>;
  const config = ['tool', 'flwr', 'app', 'config'].reduce<unknown>(
    (found, key) => (found as Record<string, unknown> | undefined)?.[key],
    document,
  );
  return flat(config ?? {}).flatMap(([key, value]): Field[] => {
    if (RESERVED.has(key)) return [];
    if (typeof value === 'boolean') return [{ key, value, kind: 'boolean' }];
    if (typeof value === 'string') return [{ key, value, kind: 'text' }];
    if (typeof value === 'number') return [{ key, value, kind: isFloat(pyproject, key) ? 'number' : 'integer' }];
    return [];
  });
}

/** TOML tells 1 from 1.0; JavaScript does not, so the text decides. */
function isFloat(pyproject: string, key: string): boolean {
  const last = key
    .split('.')
    .at(-1)
    ?.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const written =
    pyproject.match(new RegExp(`^\\s*["']?(?:[\\w.-]+\\.)?${last}["']?\\s*=\\s*([^#\\n]+)`, 'm'))?.[1]?.trim() ?? '';
  return /[.eE]|inf|nan/.test(written);
}

function flat(config: unknown, prefix = ''): [string, unknown][] {
  if (typeof config !== 'object' || config === null) return [];
  return Object.entries(config).flatMap(([key, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null ? flat(value, `${prefix}${key}.`) : [[prefix + key, value]],
  );
}

/** Only what differs from the app's own values is sent. */
export function overrides(
  fields: readonly Field[],
  values: Record<string, Field['value']>,
): Record<string, Field['value']> {
  return Object.fromEntries(
    fields.flatMap(({ key, value }) => {
      const chosen = values[key];
      return chosen === undefined || chosen === value ? [] : [[key, chosen]];
    }),
  );
}
