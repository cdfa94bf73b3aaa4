/** What has left the trust, as the hub has received it. */
import { Anchor, Skeleton, Table } from '@mantine/core';
import { IconArrowUpRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { data, hub } from '@/api/client';
import { trustsQuery } from '@/api/queries';
import type { Received } from '@/api/types';
import { bytes } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { ScrollTable } from '@/components/ScrollTable';
import { Term } from '@/components/Term';
import classes from './MyTrust.module.css';

const KINDS: Record<Received['kind'], { name: string; pieces: [string, string] }> = {
  cohort_answer: { name: 'Cohort answer', pieces: ['answer', 'answers'] },
  decision: { name: 'Decision', pieces: ['decision', 'decisions'] },
  imaging: { name: 'Imaging counts', pieces: ['report', 'reports'] },
  metrics: { name: 'Metrics', pieces: ['point', 'points'] },
  updates: { name: 'Model updates', pieces: ['message', 'messages'] },
};

export function ReceivedCard({ trust, project }: { trust: string; project?: string }) {
  const id = useQuery(trustsQuery()).data?.find((one) => one.name === trust)?.id;
  const {
    data: all,
    error,
    refetch,
  } = useQuery({
    queryKey: ['received', id],
    queryFn: () => data(hub.GET('/api/v1/trusts/{trust_id}/received', { params: { path: { trust_id: id ?? '' } } })),
    enabled: id !== undefined,
    refetchInterval: 4000,
  });
  const found = project ? all?.filter((one) => one.project_id === project) : all;
  return (
    <Card
      flush
      title="What left"
      note={
        <>
          As the hub has received it. Your trust’s own <Term word="ledger">list</Term>, with a hash of every byte, is
          kept there: <code>flip-trust ledger list</code>.
        </>
      }
    >
      {error && !found && <ErrorNote error={error} retry={refetch} />}
      {!found && !error && <Skeleton height={120} m="md" />}
      {found?.length === 0 && (
        <EmptyNote icon={<IconArrowUpRight size={24} />} title="Nothing has left">
          Counts, decisions, metrics and model updates appear here when the hub has received them.
        </EmptyNote>
      )}
      {found && found.length > 0 && (
        <ScrollTable
          label="What left"
          columns={['When', 'What', 'Of', { name: 'How much', numeric: true }, 'In words']}
          minWidth={720}
        >
          {found.map((one) => (
            <Table.Tr key={one.kind + one.at + (one.run_id ?? one.project_id)}>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Ago at={one.at} />
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>{KINDS[one.kind].name}</Table.Td>
              <Table.Td>
                {one.project}
                {one.model_id && (
                  <div className={classes.muted}>
                    <Anchor component={Link} to={`/models/${one.model_id}/live?run=${one.run_id}`} c="inherit" inherit>
                      {one.model}
                    </Anchor>
                  </div>
                )}
              </Table.Td>
              <Table.Td className={`${classes.numeric} num`}>
                {one.pieces.toLocaleString()} {KINDS[one.kind].pieces[one.pieces === 1 ? 0 : 1]}
                {one.size_bytes !== null && <div className={classes.muted}>{bytes(one.size_bytes)}</div>}
              </Table.Td>
              <Table.Td className={classes.muted}>{one.text}</Table.Td>
            </Table.Tr>
          ))}
        </ScrollTable>
      )}
    </Card>
  );
}
