/** The ServerApp's log: search, and follow its end. */
import { Checkbox, Skeleton, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { logQuery } from '@/api/queries';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import classes from './LivePanel.module.css';

const SHOWN = 2000;

export function Log({ runId, live }: { runId: string; live: boolean }) {
  const { data: lines, error } = useQuery(logQuery(runId));
  const [search, setSearch] = useState('');
  const [follow, setFollow] = useState(live);
  const end = useRef<HTMLDivElement>(null);
  const found = (lines ?? []).filter((line) => !search || line.text.toLowerCase().includes(search.toLowerCase()));
  // biome-ignore lint/correctness/useExhaustiveDependencies: scroll when lines have come
  useEffect(() => {
    if (follow && end.current) end.current.scrollTop = end.current.scrollHeight;
  }, [follow, lines, search]);
  return (
    <Card
      title="ServerApp log"
      aside={
        <>
          <TextInput
            aria-label="Search the log"
            placeholder="Search"
            size="xs"
            w={150}
            leftSection={<IconSearch size={14} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <Checkbox
            size="xs"
            label="Follow"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
          />
        </>
      }
    >
      {error && !lines && <ErrorNote error={error} />}
      {!lines && !error && <Skeleton height={330} />}
      {lines && (
        <div className={classes.log} ref={end} tabIndex={0} role="log" aria-live="off" aria-label="ServerApp log">
          {found.length > SHOWN && <div>… {found.length - SHOWN} earlier lines</div>}
          {found.slice(-SHOWN).map((line) => (
            <div key={line.id}>
              {search ? <Found text={shown(line.text)} search={search} /> : shown(line.text) || ' '}
            </div>
          ))}
          {found.length === 0 && <div>{search ? 'No line holds this.' : 'Nothing was written yet.'}</div>}
        </div>
      )}
    </Card>
  );
}

/** Flower colours its log for terminals. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what these codes begin with
const shown = (text: string) => text.replace(/\u001b\[[0-9;]*m/g, '');

function Found({ text, search }: { text: string; search: string }) {
  const from = text.toLowerCase().indexOf(search.toLowerCase());
  return (
    <>
      {text.slice(0, from)}
      <mark>{text.slice(from, from + search.length)}</mark>
      {text.slice(from + search.length)}
    </>
  );
}
