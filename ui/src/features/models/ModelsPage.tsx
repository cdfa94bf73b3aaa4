/** Every model that one may see, with what its newest run does, and the queue that runs wait in. */
import { Anchor, Select, Skeleton, Table, TextInput } from '@mantine/core';
import { IconCube, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { data, hub } from '@/api/client';
import { useLive } from '@/api/live';
import { usePages } from '@/api/pages';
import { queueQuery } from '@/api/queries';
import type { ModelSummary } from '@/api/types';
import type { ModelsSearch } from '@/app/routes/models';
import { momentOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { More } from '@/components/More';
import { PageHead } from '@/components/PageHead';
import { ScrollTable } from '@/components/ScrollTable';
import { Status, wordOf } from '@/components/Status';
import classes from './ModelsPage.module.css';
import { QueueCard } from './QueueCard';

const STATUSES = [
  'PENDING',
  'INITIATED',
  'PREPARED',
  'TRAINING_STARTED',
  'RESULTS_UPLOADED',
  'ERROR',
  'STOPPED',
] as const;

export function ModelsPage() {
  const search = useSearch({ from: '/inside/models' });
  const navigate = useNavigate({ from: '/models' });
  const change = (part: Partial<ModelsSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  useLive(['queue']);
  const status = STATUSES.find((one) => one === search.status);
  const list = usePages(['models', search.q ?? '', status ?? ''], (cursor) =>
    data(hub.GET('/api/v1/models', { params: { query: { cursor, search: search.q ?? '', status, limit: 50 } } })),
  );
  const counts = list.data?.pages[0]?.counts;
  const queue = useQuery(queueQuery()).data;
  const starts = new Map(queue?.waiting.map((entry) => [entry.run_id, entry.expected_start]));
  return (
    <>
      <PageHead
        title="Models"
        note="Of all projects that you may see. What runs is shown as it is; what waits has its place in the queue."
      />
      <div className={classes.stack}>
        <QueueCard />
        <Card flush>
          <search className={classes.filters}>
            <TextInput
              aria-label="Search models"
              placeholder="Search by name"
              leftSection={<IconSearch size={16} />}
              defaultValue={search.q ?? ''}
              onChange={(event) => change({ q: event.currentTarget.value || undefined })}
              className={classes.search}
            />
            <Select
              aria-label="Status"
              placeholder="Any status"
              clearable
              data={STATUSES.map((value) => ({
                value,
                label: `${wordOf(value)}${counts ? ` (${counts[value] ?? 0})` : ''}`,
              }))}
              value={status ?? null}
              onChange={(value) => change({ status: value ?? undefined })}
              className={classes.status}
            />
          </search>
          {list.error && !list.items && (
            <ErrorNote error={list.error} retry={list.refetch} title="The models could not be read" />
          )}
          {!list.items && !list.error && <Skeleton height={220} m="md" />}
          {list.items?.length === 0 && (
            <EmptyNote icon={<IconCube size={24} />} title={search.q || status ? 'No model matches' : 'No model yet'}>
              {search.q || status
                ? 'Change the words or the status.'
                : 'A model begins in a project that a trust has approved: open the project, then New model.'}
            </EmptyNote>
          )}
          {list.items && list.items.length > 0 && (
            <ScrollTable label="Models" columns={['Model', 'Project', 'Status', 'Newest run', 'Made by', 'Made']}>
              {list.items.map((model) => (
                <Row key={model.id} model={model} start={starts.get(model.run_id)} />
              ))}
            </ScrollTable>
          )}
          <More list={list} />
        </Card>
      </div>
    </>
  );
}

function Row({ model, start }: { model: ModelSummary; start: string | null | undefined }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/models/${model.id}`} fw={550} c="inherit">
          {model.name}
        </Anchor>
        {model.description && <div className={classes.muted}>{model.description}</div>}
      </Table.Td>
      <Table.Td>
        <Anchor component={Link} to={`/projects/${model.project_id}`} c="inherit">
          {model.project}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <Status state={model.status} pulse={model.status === 'TRAINING_STARTED'} />
      </Table.Td>
      <Table.Td className="num">
        {model.run_state === null ? (
          <span className={classes.muted}>none</span>
        ) : model.queue_position !== null ? (
          <>
            place {model.queue_position} in the queue
            {start && <div className={classes.muted}>about {momentOf(start)}</div>}
          </>
        ) : (
          wordOf(model.run_state)
        )}
      </Table.Td>
      <Table.Td>{model.created_by}</Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Ago at={model.created_at} />
      </Table.Td>
    </Table.Tr>
  );
}
