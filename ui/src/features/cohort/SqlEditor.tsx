/** CodeMirror with PostgreSQL's dialect, completion from the OMOP tables, and marks where the check found fault. */
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { PostgreSQL, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import omop from '@/api/omop.json';

export interface Mark {
  /** Both from 1; without them the whole text is meant. */
  line: number | null;
  column: number | null;
  message: string;
  severity: 'error' | 'warning';
}

interface Props {
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
  marks: Mark[];
  readOnly?: boolean;
  /** Of what says how to leave it by keyboard. */
  describedBy: string;
}

const schema = {
  omop: Object.fromEntries(
    Object.entries(omop).map(([table, columns]) => [
      table,
      Object.entries(columns).map(([label, detail]) => ({ label, detail, type: 'property' })),
    ]),
  ),
};

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--t2)', fontWeight: '550' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--t3)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--t1)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--t0)' },
]);

const look = EditorView.theme({
  '&': { fontSize: '0.875rem', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--mantine-font-family-monospace)',
    lineHeight: '1.65',
    minHeight: '210px',
    maxHeight: '46vh',
  },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--muted)', border: 'none', paddingLeft: '6px' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--idle-soft) 55%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent' },
  '.cm-content': { caretColor: 'var(--mantine-color-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--t0) 24%, transparent)',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    color: 'var(--mantine-color-text)',
    border: '1px solid var(--line-strong)',
    borderRadius: '8px',
    overflow: 'hidden',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--info-soft)',
    color: 'var(--mantine-color-text)',
  },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-placeholder': { color: 'var(--muted)' },
});

export function SqlEditor({ value, onChange, onRun, marks, readOnly = false, describedBy }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const acts = useRef({ onChange, onRun });
  acts.current = { onChange, onRun };
  const initial = useRef(value);

  useEffect(() => {
    const runNow = () => {
      acts.current.onRun();
      return true;
    };
    const made = new EditorView({
      parent: place.current as HTMLElement,
      state: EditorState.create({
        doc: initial.current,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          autocompletion(),
          lintGutter(),
          sql({ dialect: PostgreSQL, schema, defaultSchema: 'omop', upperCaseKeywords: true }),
          syntaxHighlighting(colours),
          look,
          placeholder('SELECT accession_id, person_id … FROM omop.image_occurrence'),
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({
            'aria-label': 'Cohort query, SQL',
            'aria-describedby': describedBy,
            tabindex: '0',
          }),
          EditorView.lineWrapping,
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run: runNow }])),
          // Tab completes while a list is open; Escape, then Tab, leaves the editor.
          keymap.of([
            { key: 'Tab', run: acceptCompletion },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) acts.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, [readOnly, describedBy]);

  useEffect(() => {
    const now = view.current;
    if (now && now.state.doc.toString() !== value) {
      now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: value } });
    }
    initial.current = value;
  }, [value]);

  useEffect(() => {
    const now = view.current;
    if (!now) return;
    const found = marks.map(
      (mark): Diagnostic => ({ ...rangeOf(now.state, mark), message: mark.message, severity: mark.severity }),
    );
    now.dispatch(setDiagnostics(now.state, found));
  }, [marks]);

  return <div ref={place} />;
}

/** The word at the mark, or the line, or all. */
function rangeOf(state: EditorState, { line, column }: Mark): { from: number; to: number } {
  if (line === null || line > state.doc.lines) return { from: 0, to: state.doc.length };
  const found = state.doc.line(line);
  if (column === null) return { from: found.from, to: found.to };
  const from = Math.min(found.from + column - 1, found.to);
  const word = state.wordAt(from);
  return word ? { from: word.from, to: word.to } : { from, to: Math.min(from + 1, found.to) };
}
