/** A text of the hub in a window of its own; JSON is set in lines. */
import { Button, Group, Modal, Skeleton } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { contact } from '@/api/contact';
import { HubAway, HubError } from '@/api/errors';
import { ErrorNote } from '@/components/ErrorNote';
import classes from './ResultsPanel.module.css';

interface Props {
  title: string;
  /** Null while closed. */
  address: string | null;
  saveAs: string;
  onClose: () => void;
}
const MOST = 400_000; // characters; a browser stops being pleasant beyond

export function TextView({ title, address, saveAs, onClose }: Props) {
  const { data, error } = useQuery({
    queryKey: ['text', address],
    queryFn: () => textOf(address as string),
    enabled: address !== null,
    gcTime: 60_000,
  });
  // While the window closes, it goes on showing what it showed.
  const last = useRef({ title, address, saveAs });
  if (address) last.current = { title, address, saveAs };
  const shown = last.current;
  return (
    <Modal
      opened={address !== null}
      onClose={onClose}
      title={shown.title}
      size="xl"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {error && <ErrorNote error={error} />}
      {data === undefined && !error && <Skeleton height={300} />}
      {data !== undefined && (
        <pre className={classes.text} tabIndex={0}>
          {data.slice(0, MOST)}
          {data.length > MOST && '\n… the rest is in the file.'}
        </pre>
      )}
      <Group justify="flex-end" mt="md">
        <Button
          component="a"
          href={shown.address ?? undefined}
          download={shown.saveAs}
          variant="default"
          leftSection={<IconDownload size={16} />}
        >
          Download
        </Button>
      </Group>
    </Modal>
  );
}

async function textOf(address: string): Promise<string> {
  const answer = await fetch(address).catch(() => {
    contact.failed();
    throw new HubAway();
  });
  contact.heard();
  if (!answer.ok) throw new HubError(answer.status, await answer.json().catch(() => null));
  const text = await answer.text();
  if (!answer.headers.get('content-type')?.startsWith('application/json')) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // an app may write what it likes into its .json
  }
}
