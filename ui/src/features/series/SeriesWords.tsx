/** A saved series rule, a line for each condition. */
import type { SeriesRule } from '@/api/types';
import { wordsOf } from './rule';
import classes from './Series.module.css';

export function SeriesWords({ rule }: { rule: SeriesRule | null }) {
  const words = wordsOf(rule);
  if (!words.length) return <p className={classes.every}>Every series that can be converted.</p>;
  return (
    <ul className={classes.words} aria-label="Image series that are taken">
      {words.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
