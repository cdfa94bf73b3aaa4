import { Button, Group, Modal, Skeleton, Stack, Table, TextInput } from '@mantine/core';
import { IconBuildingHospital, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import { useLive } from '@/api/live';
import { trustsQuery } from '@/api/queries';
import type { Trust } from '@/api/types';
import { queries } from '@/app/queryClient';
import { fullTime, momentOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { Confirm } from '@/components/Confirm';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { Once } from '@/components/Once';
import { ScrollTable } from '@/components/ScrollTable';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import { CONNECTION } from '../connections/state';
import classes from './Admin.module.css';

interface Issued {
  trust: string;
  code: string;
  until: string | null;
}

export function TrustsPanel() {
  const { data: trusts, error, refetch } = useQuery({ ...trustsQuery(), refetchInterval: 4000 });
  useLive(['trusts']);
  const [making, setMaking] = useState(false);
  const [issued, setIssued] = useState<Issued | null>(null);
  const renew = async (trust: Trust) => {
    const made = await data(
      hub.POST('/api/v1/trusts/{trust_id}/enrolment-code', { params: { path: { trust_id: trust.id } } }),
    );
    setIssued({ trust: trust.name, code: made.enrolment_code, until: made.trust.code_expires_at });
    await queries.invalidateQueries({ queryKey: ['trusts'] });
  };
  const revoke = async (trust: Trust) => {
    await hub.POST('/api/v1/trusts/{trust_id}/revoke', { params: { path: { trust_id: trust.id } } });
    await queries.invalidateQueries({ queryKey: ['trusts'] });
  };
  return (
    <div className={classes.stack}>
      {issued && (
        <Once title={`Enrolment code of ${issued.trust}`} secret={issued.code}>
          Shown only now, and good once{issued.until && `, until ${fullTime(issued.until)}`}. At the hospital:{' '}
          <code>flip-trust enrol CODE --hub {location.origin}</code>
        </Once>
      )}
      <Card
        flush
        title="Trusts"
        note="A hospital enrols itself with its code and makes its own keys."
        aside={
          <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
            New trust
          </Button>
        }
      >
        {error && !trusts && <ErrorNote error={error} retry={refetch} />}
        {!trusts && !error && <Skeleton height={160} m="md" />}
        {trusts?.length === 0 && (
          <EmptyNote icon={<IconBuildingHospital size={24} />} title="No trust yet">
            Make one for each hospital; it gets a code that works once.
          </EmptyNote>
        )}
        {trusts && trusts.length > 0 && (
          <ScrollTable
            label="Trusts"
            columns={['Trust', 'Connection', 'Enrolled', 'Last seen', { name: 'Acts', hidden: true }]}
            minWidth={700}
          >
            {trusts.map((trust) => (
              <Table.Tr key={trust.id}>
                <Table.Td>
                  <TrustName name={trust.name} />
                </Table.Td>
                <Table.Td>
                  <Status state={trust.connection} {...CONNECTION[trust.connection]} />
                </Table.Td>
                <Table.Td>
                  {trust.enrolled_at ? (
                    momentOf(trust.enrolled_at)
                  ) : (
                    <span className={classes.muted}>
                      {trust.code_expires_at ? `code until ${momentOf(trust.code_expires_at)}` : 'no code'}
                    </span>
                  )}
                </Table.Td>
                <Table.Td>
                  {trust.last_seen_at ? <Ago at={trust.last_seen_at} /> : <span className={classes.muted}>never</span>}
                </Table.Td>
                <Table.Td>
                  <Group gap={8} justify="flex-end" wrap="nowrap">
                    <Confirm
                      size="compact-sm"
                      act="New code"
                      label={`New code for ${trust.name}`}
                      danger={false}
                      title={`A new code for ${trust.name}?`}
                      what="A code from before is void. Who enrols with the new one takes the place of the present agent."
                      run={() => renew(trust)}
                    />
                    {!trust.revoked_at && (
                      <Confirm
                        size="compact-sm"
                        act="Revoke"
                        label={`Revoke ${trust.name}`}
                        title={`Revoke ${trust.name}?`}
                        what="Its token is dead at once, its approvals count no more, and runs go on without it. A new code lets it in again."
                        run={() => revoke(trust)}
                      />
                    )}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </ScrollTable>
        )}
      </Card>
      <NewTrust
        opened={making}
        onClose={() => setMaking(false)}
        onMade={(made) => {
          setIssued(made);
          setMaking(false);
        }}
      />
    </div>
  );
}

interface NewTrustProps {
  opened: boolean;
  onClose: () => void;
  onMade: (issued: Issued) => void;
}

function NewTrust({ opened, onClose, onMade }: NewTrustProps) {
  const [name, setName] = useState('');
  const make = useMutation({
    mutationFn: () => data(hub.POST('/api/v1/trusts', { body: { name } })),
    onSuccess: async ({ trust, enrolment_code }) => {
      setName('');
      onMade({ trust: trust.name, code: enrolment_code, until: trust.code_expires_at });
      await queries.invalidateQueries({ queryKey: ['trusts'] });
    },
  });
  return (
    <Modal opened={opened} onClose={onClose} title="New trust" closeButtonProps={{ 'aria-label': 'Close' }}>
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
            description="As apps and charts will say it: small letters, digits and hyphens. It cannot change later."
            required
            withAsterisk={false}
            data-autofocus
            maxLength={63}
            value={name}
            error={fieldErrors(make.error).name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={make.isPending}>
              Make the trust
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
