/** One type scale and one spacing scale for the whole page: what is not on them is a slip. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const TEXT = ['0.75rem', '0.8125rem', '0.875rem', '0.9375rem', '1.0625rem', '1.25rem', '1.625rem', '2.125rem'];
const SPACE = [0, 1, 2, 4, 6, 8, 12, 16, 20, 24, 28, 36, 40, 56, 72];
const SRC = join(import.meta.dirname, '..');
const sheets = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.css'))
  .map((name) => ({ name, text: readFileSync(join(SRC, name), 'utf8') }));

test('every size of text is one of eight', () => {
  expect(sheets.length).toBeGreaterThan(20);
  const off = sheets.flatMap(({ name, text }) =>
    [...text.matchAll(/font-size: ([^;]+);/g)]
      .map(([, size]) => size as string)
      .filter((size) => !TEXT.includes(size) && size !== 'inherit')
      .map((size) => `${name}: ${size}`),
  );
  expect(off).toEqual([]);
});

test('every distance is on the scale', () => {
  const off = sheets.flatMap(({ name, text }) =>
    [...text.matchAll(/^\s*(?:gap|(?:row|column)-gap|padding[\w-]*|margin[\w-]*): ([^;]+);/gm)].flatMap(([, value]) =>
      [...(value as string).matchAll(/(?<![\w.-])(\d+(?:\.\d+)?)px/g)]
        .filter(([, pixels]) => !SPACE.includes(Number(pixels)))
        .map(([pixels]) => `${name}: ${pixels}`),
    ),
  );
  expect(off).toEqual([]);
});
