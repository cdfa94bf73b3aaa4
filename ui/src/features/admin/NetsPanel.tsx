/** The SuperLinks that run training: how each is, how full, and taking one out of use or into it. */
import { Button, Group, Modal, NumberInput, Skeleton, Stack, Table, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconServer } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import type { Net } from '@/api/types';
import { queries } from '@/app/queryClient';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { Confirm } from '@/components/Confirm';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { ScrollTable } from '@/components/ScrollTable';
import { Status } from '@/components/Status';
import { Term } from '@/components/Term';
import classes from './Admin.module.css';
import { netsQuery } from './queries';

const STATES = {
  online: { word: 'Online', tone: 'good' },
  silent: { word: 'Silent', tone: 'warn' },
  never: { word: 'Not reached yet', tone: 'idle' },
} as const;
const again = () => queries.invalidateQueries({ queryKey: netsQuery().queryKey });

export function NetsPanel() {
  const { data: nets, error, refetch } = useQuery(netsQuery());
  const [adding, setAdding] = useState(false);
  return (
    <>
      <Card
        flush
        title="Nets"
        note={
          <>
            A <Term word="net" /> is one SuperLink with its FL API. A run goes to the net with the most room.
          </>
        }
        aside={
          <Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
            Add a net
          </Button>
        }
      >
        {error && !nets && <ErrorNote error={error} retry={refetch} />}
        {!nets && !error && <Skeleton height={120} m="md" />}
        {nets?.length === 0 && (
          <EmptyNote icon={<IconServer size={24} />} title="No net">
            Without one, no training can run.
          </EmptyNote>
        )}
        {nets && nets.length > 0 && (
          <ScrollTable
            label="Nets"
            columns={['Net', 'State', { name: 'Runs', numeric: true }, 'Last heard of', { name: 'Acts', hidden: true }]}
          >
            {nets.map((net) => (
              <Row key={net.id} net={net} />
            ))}
          </ScrollTable>
        )}
      </Card>
      {adding && <AddNet onClose={() => setAdding(false)} />}
    </>
  );
}

function Row({ net }: { net: Net }) {
  const path = { net_id: net.id };
  const drain = (draining: boolean) =>
    data(hub.PATCH('/api/v1/nets/{net_id}', { params: { path }, body: { draining } })).then(again);
  return (
    <Table.Tr>
      <Table.Td>
        <b className={classes.strong}>{net.name}</b>
        <div className={classes.muted}>{net.superlink}</div>
      </Table.Td>
      <Table.Td>
        <Status state={net.state} {...STATES[net.state]} />{' '}
        {net.draining && <Status state="draining" word="Draining" tone="warn" />}
      </Table.Td>
      <Table.Td className={`${classes.numeric} num`}>
        {net.open_runs} of {net.slots}
      </Table.Td>
      <Table.Td>
        {net.last_seen_at ? <Ago at={net.last_seen_at} /> : <span className={classes.muted}>never</span>}
      </Table.Td>
      <Table.Td>
        <Group gap={8} justify="flex-end" wrap="nowrap">
          <Confirm
            size="compact-sm"
            act={net.draining ? 'Use again' : 'Drain'}
            label={`${net.draining ? 'Use again' : 'Drain'} ${net.name}`}
            danger={false}
            title={net.draining ? `Use ${net.name} again?` : `Drain ${net.name}?`}
            what={net.draining ? 'New runs may go to it.' : 'Its runs go on to their end; it gets no new one.'}
            run={() => drain(!net.draining)}
          />
          {net.source === 'admin' && net.draining && (
            <Confirm
              size="compact-sm"
              act="Remove"
              label={`Remove ${net.name}`}
              title={`Remove ${net.name}?`}
              what="Its past runs keep its name."
              run={() => hub.DELETE('/api/v1/nets/{net_id}', { params: { path } }).then(again)}
            />
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

const EMPTY = { name: '', url: '', key: '', ca_pem: '', superlink: '' };

function AddNet({ onClose }: { onClose: () => void }) {
  const [values, setValues] = useState(EMPTY);
  const [slots, setSlots] = useState<number | ''>('');
  const add = useMutation({
    mutationFn: () => data(hub.POST('/api/v1/nets', { body: { ...values, slots: slots === '' ? null : slots } })),
    onSuccess: async () => {
      await again();
      onClose();
    },
  });
  const wrong = fieldErrors(add.error);
  const field = (name: keyof typeof EMPTY) => ({
    required: true,
    withAsterisk: false,
    value: values[name],
    error: wrong[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
      const { value } = event.currentTarget;
      setValues((before) => ({ ...before, [name]: value }));
    },
  });
  return (
    <Modal opened onClose={onClose} title="Add a net" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <Stack>
          {add.error && <ErrorNote error={add.error} />}
          <TextInput label="Name" data-autofocus {...field('name')} />
          <TextInput label="FL API" placeholder="http://127.0.0.1:9101" {...field('url')} />
          <TextInput label="Key of the FL API" type="password" autoComplete="off" {...field('key')} />
          <TextInput label="SuperLink, as trusts reach it" placeholder="net.example:9092" {...field('superlink')} />
          <Textarea
            label="Certificate of its authority"
            description="pki/ca.crt of the net, as text"
            autosize
            minRows={3}
            maxRows={8}
            {...field('ca_pem')}
          />
          <NumberInput
            label="Runs at the same time"
            description="Empty: as the hub’s settings say"
            min={1}
            max={1000}
            value={slots}
            onChange={(value) => setSlots(typeof value === 'number' ? value : '')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={add.isPending}>
              Add the net
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
