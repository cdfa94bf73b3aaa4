import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pageOf, wordsOf } from './reference';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

test('each row of the glossary is a word with its meaning', () => {
  const glossary = read('GLOSSARY.md');
  const words = wordsOf(glossary);
  expect(words).toHaveLength(glossary.split('\n').filter((line) => /^\| \*\*/.test(line)).length);
  expect(words.find((one) => one.words.includes('net'))?.meaning).toMatch(/SuperLink/);
});

test('every code of the hub has a place of its own to link to', () => {
  const markdown = read('docs/reference/hub-errors.md');
  const codes = [...markdown.matchAll(/^\| `([a-z_0-9]+)` \|/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(50);
  const html = pageOf([markdown, read('docs/reference/errors.md')]);
  for (const code of codes) expect(html.split(`id="${code}"`)).toHaveLength(2);
});

test('every finding has a place of its own to link to', () => {
  const markdown = read('docs/reference/findings.md');
  const codes = [...markdown.matchAll(/^### ([a-z_0-9]+)$/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(20);
  const html = pageOf([markdown]);
  for (const code of codes) expect(html).toContain(`id="${code}"`);
});
