import { Select, Skeleton } from '@mantine/core';
import { IconMail } from '@tabler/icons-react';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { usePages } from '@/api/pages';
import type { Mail } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { More } from '@/components/More';
import { Status, type Tone } from '@/components/Status';
import classes from './Admin.module.css';

const STATES: Record<Mail['state'], { word: string; tone: Tone }> = {
  queued: { word: 'Waiting', tone: 'info' },
  sent: { word: 'Sent', tone: 'good' },
  in_outbox: { word: 'To hand on', tone: 'warn' },
  failed: { word: 'Failed', tone: 'bad' },
};

export function MailsPanel() {
  const [state, setState] = useState<Mail['state'] | null>(null);
  const list = usePages(['mails', state], (cursor) =>
    data(hub.GET('/api/v1/mails', { params: { query: { cursor, state: state ?? undefined, limit: 50 } } })),
  );
  return (
    <Card
      flush
      title="Mails"
      note="Without a mail server they lie here for an admin to hand on. The text of a sent mail is not kept."
      aside={
        <Select
          aria-label="State"
          size="xs"
          w={140}
          clearable
          placeholder="Any state"
          data={Object.entries(STATES).map(([value, { word }]) => ({ value, label: word }))}
          value={state}
          onChange={(value) => setState(value as Mail['state'] | null)}
        />
      }
    >
      {list.error && !list.items && <ErrorNote error={list.error} retry={list.refetch} />}
      {!list.items && !list.error && <Skeleton height={160} m="md" />}
      {list.items?.length === 0 && (
        <EmptyNote icon={<IconMail size={24} />} title="No mail">
          Invitations, password codes and news of access requests go by mail.
        </EmptyNote>
      )}
      <ul className={classes.rows}>
        {list.items?.map((mail) => (
          <li key={mail.id} className={classes.row}>
            <div className={classes.grow}>
              <b className={classes.strong}>{mail.subject}</b>{' '}
              <span className={classes.muted}>
                to {mail.recipient} · <Ago at={mail.created_at} />
              </span>
              {mail.error && <p className={classes.bad}>{mail.error}</p>}
              {mail.text && (
                <details className={classes.mail}>
                  <summary>Text</summary>
                  <pre>{mail.text}</pre>
                </details>
              )}
            </div>
            <Status state={mail.state} {...STATES[mail.state]} />
          </li>
        ))}
      </ul>
      <More list={list} />
    </Card>
  );
}
