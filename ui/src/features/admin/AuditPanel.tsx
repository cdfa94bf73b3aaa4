/** The audit log: who did what to what, when. The search is in the address, so it can be sent to somebody. */
import { Anchor, Skeleton, Table, TextInput } from '@mantine/core';
import { IconFileSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { data, hub } from '@/api/client';
import { usePages } from '@/api/pages';
import type { AuditSearch } from '@/app/routes/admin';
import { fullTime } from '@/app/time';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { More } from '@/components/More';
import { ScrollTable } from '@/components/ScrollTable';
import classes from './Admin.module.css';

const FIELDS = [
  { name: 'action', label: 'Action', placeholder: 'user. finds all of users' },
  { name: 'actor', label: 'Who', placeholder: 'id, or trust:name' },
  { name: 'subject', label: 'What it was done to', placeholder: 'id' },
] as const;

export function AuditPanel() {
  const search = useSearch({ from: '/inside/admin/audit' });
  const navigate = useNavigate({ from: '/admin/audit' });
  const change = (part: Partial<AuditSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  const { action = '', actor = '', subject = '', day } = search;
  const list = usePages(['audit', action, actor, subject, day ?? ''], (cursor) =>
    data(hub.GET('/api/v1/audit', { params: { query: { cursor, action, actor, subject, ...ofDay(day), limit: 50 } } })),
  );
  const names = useNames();
  return (
    <Card flush title="Audit" note="Decisions and accesses, newest first. Nothing here can be changed or taken away.">
      <search className={classes.filters}>
        {FIELDS.map(({ name, label, placeholder }) => (
          <TextInput
            key={name}
            label={label}
            placeholder={placeholder}
            defaultValue={search[name] ?? ''}
            onChange={(event) => change({ [name]: event.currentTarget.value.trim() || undefined })}
            className={classes.search}
          />
        ))}
        <TextInput
          label="Day"
          type="date"
          defaultValue={day ?? ''}
          onChange={(event) => change({ day: event.currentTarget.value || undefined })}
        />
      </search>
      {list.error && !list.items && <ErrorNote error={list.error} retry={list.refetch} />}
      {!list.items && !list.error && <Skeleton height={240} m="md" />}
      {list.items?.length === 0 && (
        <EmptyNote icon={<IconFileSearch size={24} />} title="Nothing was recorded that matches">
          An action is written <code>kind.what</code>, as <code>user.login_failed</code>; its beginning is enough.
        </EmptyNote>
      )}
      {list.items && list.items.length > 0 && (
        <ScrollTable label="Audit events" columns={['When', 'Who', 'Action', 'To what', 'Details']} minWidth={860}>
          {list.items.map((event) => (
            <Table.Tr key={event.id}>
              <Table.Td className="num" style={{ whiteSpace: 'nowrap' }}>
                {fullTime(event.at)}
              </Table.Td>
              <Table.Td>
                <Anchor component="button" type="button" size="sm" onClick={() => change({ actor: event.actor })}>
                  {names.get(event.actor) ?? short(event.actor)}
                </Anchor>
              </Table.Td>
              <Table.Td>
                <code className={classes.code}>{event.action}</code>
              </Table.Td>
              <Table.Td>{names.get(event.subject) ?? short(event.subject)}</Table.Td>
              <Table.Td className={classes.details}>{detailsOf(event.details)}</Table.Td>
            </Table.Tr>
          ))}
        </ScrollTable>
      )}
      <More list={list} />
    </Card>
  );
}

/** A day of the reader's own zone. */
function ofDay(day: string | undefined): { since?: string; until?: string } {
  if (!day) return {};
  const start = new Date(`${day}T00:00`);
  const end = new Date(start);
  end.setDate(end.getDate() + 1);
  return { since: start.toISOString(), until: end.toISOString() };
}

/** Ids are told as names where the person still has an account. */
function useNames(): Map<string, string> {
  const people = useQuery({
    queryKey: ['users', 'names'],
    queryFn: () => data(hub.GET('/api/v1/users', { params: { query: { limit: 200 } } })),
  }).data?.items;
  return new Map(people?.map((person) => [person.id, person.name]));
}

const short = (text: string) => (/^[0-9a-f-]{36}$/.test(text) ? text.slice(0, 8) : text);

const detailsOf = (details: Record<string, unknown>) =>
  Object.entries(details)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
