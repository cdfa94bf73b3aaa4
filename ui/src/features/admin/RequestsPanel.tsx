import { Group, Select, Skeleton, Textarea } from '@mantine/core';
import { IconUserQuestion } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { hub } from '@/api/client';
import type { AccessRequest, Role } from '@/api/types';
import { queries } from '@/app/queryClient';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { Confirm } from '@/components/Confirm';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';
import classes from './Admin.module.css';
import { accessRequestsQuery } from './queries';
import { RoleFields } from './RoleFields';

const WORDS = { pending: 'Waiting', approved: 'Invited', dismissed: 'Dismissed' };
const TONES = { pending: 'warn', approved: 'good', dismissed: 'idle' } as const;

export function RequestsPanel() {
  const [state, setState] = useState<AccessRequest['state']>('pending');
  const { data: page, error, refetch } = useQuery(accessRequestsQuery(state));
  return (
    <Card
      flush
      title="Access requests"
      note="From people without an account. An answer of yes sends an invitation."
      aside={
        <Select
          aria-label="State"
          size="xs"
          w={130}
          allowDeselect={false}
          data={Object.entries(WORDS).map(([value, label]) => ({ value, label }))}
          value={state}
          onChange={(value) => value && setState(value as AccessRequest['state'])}
        />
      }
    >
      {error && !page && <ErrorNote error={error} retry={refetch} />}
      {!page && !error && <Skeleton height={140} m="md" />}
      {page?.items.length === 0 && (
        <EmptyNote
          icon={<IconUserQuestion size={24} />}
          title={state === 'pending' ? 'Nobody waits' : `None was ${WORDS[state].toLowerCase()}`}
        >
          Requests come from the login page, where this hub takes them.
        </EmptyNote>
      )}
      <ul className={classes.rows}>
        {page?.items.map((one) => (
          <Request key={one.id} request={one} />
        ))}
      </ul>
    </Card>
  );
}

function Request({ request }: { request: AccessRequest }) {
  const [role, setRole] = useState<Role>('researcher');
  const [trusts, setTrusts] = useState<string[]>([]);
  const [note, setNote] = useState('');
  const path = { request_id: request.id };
  const done = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ['access-requests'] }),
      queries.invalidateQueries({ queryKey: ['invitations'] }),
    ]);
  return (
    <li className={classes.row}>
      <div className={classes.grow}>
        <b className={classes.strong}>{request.name}</b>{' '}
        <span className={classes.muted}>
          {request.email}
          {request.organisation && ` · ${request.organisation}`} · <Ago at={request.created_at} />
        </span>
        <p className={classes.reason}>{request.reason}</p>
        {request.note && <p className={classes.muted}>{request.note}</p>}
      </div>
      {request.state === 'pending' ? (
        <Group gap={8}>
          <Confirm
            act="Invite"
            label={`Invite ${request.name}`}
            danger={false}
            title={`Invite ${request.name}?`}
            what={`A mail to ${request.email} brings a code to make the account with.`}
            ready={role !== 'trust_admin' || trusts.length > 0}
            fields={
              <RoleFields
                role={role}
                trusts={trusts}
                onChange={(part) => {
                  if (part.role) setRole(part.role);
                  if (part.trusts) setTrusts(part.trusts);
                }}
              />
            }
            run={() =>
              hub
                .POST('/api/v1/access-requests/{request_id}/approve', { params: { path }, body: { role, trusts } })
                .then(done)
            }
          />
          <Confirm
            act="Dismiss"
            label={`Dismiss ${request.name}`}
            title={`Dismiss ${request.name}?`}
            what="Nothing is mailed. The note is for the admins."
            fields={
              <Textarea
                label="Note"
                description="Optional"
                maxLength={500}
                value={note}
                onChange={(event) => setNote(event.currentTarget.value)}
              />
            }
            run={() =>
              hub.POST('/api/v1/access-requests/{request_id}/dismiss', { params: { path }, body: { note } }).then(done)
            }
          />
        </Group>
      ) : (
        <Status state={request.state} word={WORDS[request.state]} tone={TONES[request.state]} />
      )}
    </li>
  );
}
