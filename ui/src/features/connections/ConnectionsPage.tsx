/** Every trust and how it is: as a drawing, and as a list with components and versions. */
import { Skeleton, Table } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useLive } from '@/api/live';
import { mayQuery, trustsQuery } from '@/api/queries';
import type { Trust } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { ScrollTable } from '@/components/ScrollTable';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import classes from './ConnectionsPage.module.css';
import { ailing, CONNECTION, isFact } from './state';
import { Topology } from './Topology';

export function ConnectionsPage() {
  const { data: trusts, error, refetch } = useQuery({ ...trustsQuery(), refetchInterval: 4000 });
  const mayManage = useQuery(mayQuery('manage_trusts')).data ?? false;
  useLive(['trusts']);
  const online = trusts?.filter((trust) => trust.online).length ?? 0;
  return (
    <>
      <PageHead
        title="Connections"
        note="Every trust dials out to the hub; nothing dials in to a hospital. What it tells of itself is shown as it told it last."
        badge={
          trusts &&
          trusts.length > 0 && (
            <Status state={online ? 'online' : 'offline'} word={`${online} of ${trusts.length} online`} />
          )
        }
      />
      {error && !trusts && <ErrorNote error={error} retry={refetch} title="The trusts could not be read" />}
      {!trusts && !error && <Skeleton height={320} radius="lg" />}
      {trusts?.length === 0 && (
        <Card>
          <EmptyNote icon={<IconPlugConnected size={24} />} title="No trust is enrolled">
            {mayManage ? (
              <>
                Make an enrolment code under <Link to="/admin/trusts">Admin, Trusts</Link>, and hand it to the hospital.
              </>
            ) : (
              'The hub’s admin makes an enrolment code for each hospital.'
            )}
          </EmptyNote>
        </Card>
      )}
      {trusts && trusts.length > 0 && (
        <div className={classes.layout}>
          <Card title="Federation">
            <Topology trusts={trusts} />
          </Card>
          <Card flush title="Trusts">
            <ScrollTable
              label="Trusts"
              columns={['Trust', 'Connection', 'Last seen', 'Components', 'Versions']}
              minWidth={620}
            >
              {trusts.map((trust) => (
                <Row key={trust.id} trust={trust} />
              ))}
            </ScrollTable>
          </Card>
        </div>
      )}
    </>
  );
}

function Row({ trust }: { trust: Trust }) {
  const { word, tone } = CONNECTION[trust.connection] ?? { word: trust.connection, tone: 'idle' as const };
  const versions = Object.entries(trust.versions);
  return (
    <Table.Tr>
      <Table.Td>
        <TrustName name={trust.name} />
      </Table.Td>
      <Table.Td>
        <Status state={trust.connection} word={word} tone={tone} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        {trust.last_seen_at ? <Ago at={trust.last_seen_at} /> : <span className={classes.muted}>never</span>}
      </Table.Td>
      <Table.Td>
        <Components trust={trust} />
      </Table.Td>
      <Table.Td>
        <ul className={`${classes.pairs} num`}>
          {trust.agent_version && <li>agent {trust.agent_version}</li>}
          {versions.map(([name, version]) => (
            <li key={name}>
              {name} {version}
            </li>
          ))}
          {!trust.agent_version && versions.length === 0 && <li>–</li>}
        </ul>
      </Table.Td>
    </Table.Tr>
  );
}

function Components({ trust }: { trust: Trust }) {
  const all = Object.entries(trust.components);
  const facts = all.filter(([name]) => isFact(name));
  const bad = new Set(ailing(trust).map(([name]) => name));
  if (all.length === 0) return <span className={classes.muted}>not told yet</span>;
  return (
    <>
      <ul className={classes.pairs}>
        {all
          .filter(([name]) => !isFact(name))
          .map(([name, health]) => (
            <li key={name} data-bad={bad.has(name) || undefined}>
              <b>{NAMES[name] ?? name}</b> {health}
            </li>
          ))}
      </ul>
      {facts.length > 0 && (
        <details className={classes.more}>
          <summary>more of {trust.name}</summary>
          <ul className={classes.pairs}>
            {facts.map(([name, value]) => (
              <li key={name}>
                <b>{(NAMES[name] ?? name).replaceAll('_', ' ')}</b> {value}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

const NAMES: Record<string, string> = { omop: 'OMOP', pacs: 'PACS', hub_decisions: 'decisions at the hub' };
