/** A word of the field, with its meaning from the glossary on hover and focus. */

import { glossary } from 'virtual:glossary';
import { Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './Term.module.css';

const MEANINGS = new Map(glossary.flatMap(({ words, meaning }) => words.map((word) => [word, meaning] as const)));

/** `word`: as GLOSSARY.md has it; a word that is not there is shown plain. */
export function Term({ word, children }: { word: string; children?: ReactNode }) {
  const meaning = MEANINGS.get(word);
  if (!meaning) return <>{children ?? word}</>;
  return (
    <Tooltip label={meaning} multiline w={280}>
      <dfn className={classes.term} tabIndex={0}>
        {children ?? word}
      </dfn>
    </Tooltip>
  );
}
