/** What is logged in as oneself: scripts by their tokens, browsers, commands. Each can be ended. */
import { Button, Checkbox, Group, Modal, NumberInput, Skeleton, Stack, Table, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import { meQuery, tokensQuery } from '@/api/queries';
import type { Token } from '@/api/types';
import { queries } from '@/app/queryClient';
import { dayOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { Confirm } from '@/components/Confirm';
import { ErrorNote } from '@/components/ErrorNote';
import { Once } from '@/components/Once';
import { ScrollTable } from '@/components/ScrollTable';
import { Status } from '@/components/Status';
import classes from './TokensCard.module.css';

const KINDS: Record<Token['kind'], string> = { token: 'API token', session: 'Browser', login: 'flip login' };
const SCOPES = [
  { value: 'read', label: 'Read', what: 'Look at what you may see.' },
  { value: 'write', label: 'Write', what: 'Change projects, models, files and runs as you may.' },
  { value: 'admin', label: 'Admin', what: 'Administer the hub.' },
] as const;
type Scope = (typeof SCOPES)[number]['value'];

export function TokensCard() {
  const { data: tokens, error, refetch } = useQuery(tokensQuery());
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<{ token: string; name: string } | null>(null);
  const end = async (id: string) => {
    await hub.DELETE('/api/v1/tokens/{token_id}', { params: { path: { token_id: id } } });
    await queries.invalidateQueries({ queryKey: tokensQuery().queryKey });
  };
  return (
    <div className={classes.stack}>
      {made && (
        <Once title={`The token “${made.name}”`} secret={made.token}>
          Shown only now. Scripts send it as <code>Authorization: Bearer …</code>; the <code>flip</code> command reads
          it from <code>FLIP_TOKEN</code>.
        </Once>
      )}
      <Card
        flush
        title="Tokens and logins"
        note="A token does what its scopes and your role both allow."
        aside={
          <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
            New token
          </Button>
        }
      >
        {error && !tokens && <ErrorNote error={error} retry={refetch} />}
        {!tokens && !error && <Skeleton height={120} m="md" />}
        {tokens && (
          <ScrollTable
            label="Tokens and logins"
            columns={['Name', 'Kind', 'Scopes', 'Last used', 'Until', { name: 'Acts', hidden: true }]}
          >
            {tokens.map((token) => (
              <Table.Tr key={token.id}>
                <Table.Td>{token.name || KINDS[token.kind]}</Table.Td>
                <Table.Td>{KINDS[token.kind]}</Table.Td>
                <Table.Td>{token.scopes.join(', ')}</Table.Td>
                <Table.Td>
                  {token.last_used_at ? <Ago at={token.last_used_at} /> : <span className={classes.muted}>never</span>}
                </Table.Td>
                <Table.Td>{dayOf(token.expires_at)}</Table.Td>
                <Table.Td>
                  {token.current ? (
                    <Status state="online" word="This one" />
                  ) : (
                    <Confirm
                      size="compact-sm"
                      act="End"
                      label={`End ${token.name || KINDS[token.kind]}`}
                      title={token.kind === 'token' ? 'Revoke this token?' : 'End this login?'}
                      what="It opens nothing any more, at once."
                      run={() => end(token.id)}
                    />
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </ScrollTable>
        )}
      </Card>
      {making && (
        <NewToken
          onClose={() => setMaking(false)}
          onMade={(one) => {
            setMade(one);
            setMaking(false);
          }}
        />
      )}
    </div>
  );
}

function NewToken({
  onClose,
  onMade,
}: {
  onClose: () => void;
  onMade: (made: { token: string; name: string }) => void;
}) {
  const me = useQuery(meQuery()).data;
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>(['read']);
  const [days, setDays] = useState(90);
  const make = useMutation({
    mutationFn: () => data(hub.POST('/api/v1/tokens', { body: { name, scopes, expires_days: days } })),
    onSuccess: async ({ token, about }) => {
      await queries.invalidateQueries({ queryKey: tokensQuery().queryKey });
      onMade({ token, name: about.name });
    },
  });
  const wrong = fieldErrors(make.error);
  return (
    <Modal opened onClose={onClose} title="New token" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <Stack>
          {make.error && <ErrorNote error={make.error} />}
          <TextInput
            label="Name"
            description="What it is for"
            required
            withAsterisk={false}
            maxLength={100}
            data-autofocus
            value={name}
            error={wrong.name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Checkbox.Group label="Scopes" value={scopes} onChange={(value) => setScopes(value as Scope[])}>
            <Stack gap={8} mt={6}>
              {SCOPES.filter(({ value }) => value !== 'admin' || me?.role === 'admin').map(({ value, label, what }) => (
                <Checkbox key={value} value={value} label={label} description={what} />
              ))}
            </Stack>
          </Checkbox.Group>
          <NumberInput
            label="Days until it ends"
            min={1}
            max={3650}
            value={days}
            error={wrong.expires_days}
            onChange={(value) => typeof value === 'number' && setDays(value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={make.isPending} disabled={scopes.length === 0}>
              Make the token
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
