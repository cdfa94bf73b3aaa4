/** Pages of the repository's docs as modules of the page, rendered when it is built: nothing of Markdown reaches a browser. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { marked } from 'marked';
import type { Plugin } from 'vite';

const ROOT = new URL('../', import.meta.url);
const GLOSSARY = 'GLOSSARY.md';
const TOPICS = {
  errors: ['docs/reference/hub-errors.md', 'docs/reference/errors.md'],
  findings: ['docs/reference/findings.md'],
};
/** Where a link of the docs leads on the page. */
const LINKS: Record<string, string> = { 'hub-errors.md': '/help/errors', 'findings.md': '/help/findings' };

/** `virtual:glossary`: meanings by word. `virtual:reference`: HTML by topic, each code with its id. */
export function reference(): Plugin {
  return {
    name: 'reference',
    resolveId: (id) => (/^virtual:(glossary|reference)$/.test(id) ? `\0${id}` : undefined),
    load(id) {
      const read = (file: string) => {
        const path = fileURLToPath(new URL(file, ROOT));
        this.addWatchFile(path);
        return readFileSync(path, 'utf8');
      };
      if (id === '\0virtual:glossary') return `export const glossary = ${JSON.stringify(wordsOf(read(GLOSSARY)))};`;
      if (id === '\0virtual:reference') {
        const pages = Object.entries(TOPICS).map(([topic, files]) => [topic, pageOf(files.map(read))]);
        return `export const pages = ${JSON.stringify(Object.fromEntries(pages))};`;
      }
    },
  };
}

/** Rows `| **word, other word** | meaning |`. */
export function wordsOf(markdown: string): { words: string[]; meaning: string; html: string }[] {
  return [...markdown.matchAll(/^\| \*\*(.+?)\*\* \| (.+?) \|$/gm)].map(([, words, meaning]) => ({
    words: (words as string).split(', '),
    meaning: (meaning as string).replace(/[`*]/g, ''),
    html: marked.parseInline(meaning as string, { async: false }),
  }));
}

/** Docs as sections of one page: titles and the notes on how they were written stay behind. */
export function pageOf(files: readonly string[]): string {
  const seen = new Set<string>();
  let tables = 0;
  return files
    .map((markdown) =>
      marked
        .parse(markdown.replace(/^# .*$/m, '').replace(/^(Written by|This page is generated).*$/gm, ''), {
          async: false,
        })
        .replace(/<tr>[\s\S]*?<\/tr>/g, (row) => {
          const code = row.match(/<td><code>([a-z][a-z0-9_]*)<\/code><\/td>/)?.[1];
          if (!code || seen.has(code)) return row;
          seen.add(code);
          return row.replace('<tr>', `<tr id="${code}">`);
        })
        .replace(/<h3>([a-z][a-z0-9_]*)<\/h3>/g, '<h3 id="$1"><code>$1</code></h3>')
        .replace(/<table>/g, () => {
          tables += 1;
          return `<div class="scroll" tabindex="0" role="region" aria-label="Table ${tables}"><table>`;
        })
        .replace(/<\/table>/g, '</table></div>')
        .replace(/<th><\/th>/g, '<td></td>')
        .replace(/href="([^"]+)"/g, (link, to) => (LINKS[to] ? `href="${LINKS[to]}"` : link)),
    )
    .join('\n');
}
