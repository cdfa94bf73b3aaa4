import { ActionIcon, Button, Menu, Select, Skeleton, Table, TextInput } from '@mantine/core';
import { IconDots, IconSearch, IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { usePages } from '@/api/pages';
import { meQuery } from '@/api/queries';
import type { Account, Role } from '@/api/types';
import { queries } from '@/app/queryClient';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { More } from '@/components/More';
import { ScrollTable } from '@/components/ScrollTable';
import { Status } from '@/components/Status';
import classes from './Admin.module.css';
import { EditAccount } from './EditAccount';
import { InvitationsCard } from './InvitationsCard';
import { InvitePerson } from './InvitePerson';
import { ROLES, roleName } from './queries';

export function UsersPanel() {
  const [search, setSearch] = useState('');
  const [role, setRole] = useState<Role | null>(null);
  const [inviting, setInviting] = useState(false);
  const [edited, setEdited] = useState<Account | null>(null);
  const list = usePages(['users', search, role], (cursor) =>
    data(hub.GET('/api/v1/users', { params: { query: { cursor, search, role: role ?? undefined, limit: 50 } } })),
  );
  return (
    <div className={classes.stack}>
      <Card flush>
        <search className={classes.filters}>
          <TextInput
            aria-label="Search users"
            placeholder="Name or e-mail"
            leftSection={<IconSearch size={16} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            className={classes.search}
          />
          <Select
            aria-label="Role"
            placeholder="Any role"
            clearable
            data={ROLES.map(({ value, label }) => ({ value, label }))}
            value={role}
            onChange={(value) => setRole(value as Role | null)}
            w={150}
          />
          <Button leftSection={<IconUserPlus size={16} />} onClick={() => setInviting(true)} ml="auto">
            Invite a person
          </Button>
        </search>
        {list.error && !list.items && <ErrorNote error={list.error} retry={list.refetch} />}
        {!list.items && !list.error && <Skeleton height={240} m="md" />}
        {list.items?.length === 0 && (
          <EmptyNote icon={<IconUsers size={24} />} title="Nobody matches">
            Change the words or the role.
          </EmptyNote>
        )}
        {list.items && list.items.length > 0 && (
          <ScrollTable
            label="Users"
            columns={['Person', 'Role', 'Account', 'Second factor', 'Last login', { name: 'Acts', hidden: true }]}
            minWidth={760}
          >
            {list.items.map((account) => (
              <Row key={account.id} account={account} onEdit={() => setEdited(account)} />
            ))}
          </ScrollTable>
        )}
        <More list={list} />
      </Card>
      <InvitationsCard />
      <InvitePerson opened={inviting} onClose={() => setInviting(false)} />
      {edited && <EditAccount key={edited.id} account={edited} onClose={() => setEdited(null)} />}
    </div>
  );
}

function Row({ account, onEdit }: { account: Account; onEdit: () => void }) {
  return (
    <Table.Tr>
      <Table.Td>
        <b className={classes.strong}>{account.name}</b>
        <div className={classes.muted}>{account.email}</div>
      </Table.Td>
      <Table.Td>
        {roleName(account.role)}
        {account.trusts.length > 0 && <div className={classes.muted}>{account.trusts.join(', ')}</div>}
      </Table.Td>
      <Table.Td>
        <Status
          state={account.is_active ? 'online' : 'refused'}
          word={account.is_active ? (account.must_change_password ? 'First login due' : 'Active') : 'Disabled'}
          tone={account.is_active && account.must_change_password ? 'info' : undefined}
        />
      </Table.Td>
      <Table.Td>
        <Status state={account.has_totp ? 'online' : 'idle'} word={account.has_totp ? 'In use' : 'None'} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        {account.last_login_at ? <Ago at={account.last_login_at} /> : <span className={classes.muted}>never</span>}
      </Table.Td>
      <Table.Td>
        <Acts account={account} onEdit={onEdit} />
      </Table.Td>
    </Table.Tr>
  );
}

const ACTS = {
  'totp-reset': (id: string) => hub.POST('/api/v1/users/{user_id}/totp-reset', { params: { path: { user_id: id } } }),
  'password-reset': (id: string) =>
    hub.POST('/api/v1/users/{user_id}/password-reset', { params: { path: { user_id: id } } }),
  'sign-out': (id: string) => hub.POST('/api/v1/users/{user_id}/sign-out', { params: { path: { user_id: id } } }),
};
const DONE: Record<keyof typeof ACTS, string> = {
  'totp-reset': 'The next login sets up a new authenticator.',
  'password-reset': 'A code is on its way by mail (without a mail server: see Mails).',
  'sign-out': 'Every login and API token has ended.',
};

function Acts({ account, onEdit }: { account: Account; onEdit: () => void }) {
  const me = useQuery(meQuery()).data;
  const act = useMutation({
    mutationFn: async (which: keyof typeof ACTS) => {
      await ACTS[which](account.id);
      return DONE[which];
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['users'] }),
  });
  return (
    <>
      <Menu position="bottom-end" width={240}>
        <Menu.Target>
          <ActionIcon aria-label={`Acts on ${account.name}`} size="lg" loading={act.isPending}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={onEdit}>Change name, role, access</Menu.Item>
          <Menu.Item disabled={!account.has_totp} onClick={() => act.mutate('totp-reset')}>
            Reset second factor
          </Menu.Item>
          <Menu.Item disabled={!account.has_password} onClick={() => act.mutate('password-reset')}>
            Send a password code
          </Menu.Item>
          <Menu.Item disabled={me?.id === account.id} onClick={() => act.mutate('sign-out')}>
            Sign out everywhere
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {act.data && (
        <div className={classes.muted} role="status">
          {act.data}
        </div>
      )}
      {act.error && <ErrorNote error={act.error} />}
    </>
  );
}
