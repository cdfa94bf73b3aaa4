/** The project's queries, newest first; each can be shown again, made the project's, or compared with the one shown. */
import { Button, Group, Modal, Skeleton, Table } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { hub } from '@/api/client';
import { compareQuery, historyQuery } from '@/api/queries';
import { queries } from '@/app/queryClient';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import classes from './CohortPage.module.css';

interface Props {
  projectId: string;
  shownId: string | undefined;
  frozen: boolean;
  onShow: (id: string) => void;
}

export function History({ projectId, shownId, frozen, onShow }: Props) {
  const { data: page, error } = useQuery(historyQuery(projectId));
  const [compared, setCompared] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: (id: string) =>
      hub.PUT('/api/v1/projects/{project_id}/saved-cohort-query', {
        params: { path: { project_id: projectId } },
        body: { query_id: id },
      }),
    onSuccess: (_, id) => {
      onShow(id);
      return Promise.all([
        queries.invalidateQueries({ queryKey: ['project', projectId] }),
        queries.invalidateQueries({ queryKey: ['cohort'] }),
      ]);
    },
  });
  return (
    <Card flush title="History" note="The project's query is the one that trusts will be asked to approve.">
      {(error || save.error) && <ErrorNote error={error ?? save.error} />}
      {!page && !error && <Skeleton height={60} m="md" />}
      <ol className={classes.history}>
        {page?.items.map((query) => (
          <li key={query.id} data-shown={query.id === shownId || undefined}>
            <Ago at={query.created_at} />
            <span className="num">
              {query.total_persons === null ? '– persons' : `${query.total_persons.toLocaleString()} persons`}
            </span>
            <code className={classes.oneLine} title={query.sql}>
              {query.sql.replace(/\s+/g, ' ')}
            </code>
            {query.saved && <Status state="answered" word="The project's" />}
            <Group gap={4}>
              {query.id !== shownId && shownId && (
                <Button size="compact-xs" variant="subtle" onClick={() => setCompared(query.id)}>
                  Compare
                </Button>
              )}
              {query.id !== shownId && (
                <Button size="compact-xs" variant="subtle" onClick={() => onShow(query.id)}>
                  Show
                </Button>
              )}
              {!query.saved && !frozen && (
                <Button size="compact-xs" variant="subtle" onClick={() => save.mutate(query.id)}>
                  Use this
                </Button>
              )}
            </Group>
          </li>
        ))}
      </ol>
      <Modal
        opened={compared !== null}
        onClose={() => setCompared(null)}
        title="Compare two queries"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {compared && shownId && <Comparison before={compared} after={shownId} />}
      </Modal>
    </Card>
  );
}

function Comparison({ before, after }: { before: string; after: string }) {
  const { data: found, error } = useQuery(compareQuery(before, after));
  if (error) return <ErrorNote error={error} />;
  if (!found) return <Skeleton height={200} />;
  return (
    <>
      <Table className="num" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Persons</Table.Th>
            <Table.Th>Then</Table.Th>
            <Table.Th>Shown</Table.Th>
            <Table.Th>Difference</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {found.persons.map((one) => (
            <Table.Tr key={one.trust}>
              <Table.Td>
                <TrustName name={one.trust} />
              </Table.Td>
              <Table.Td>{one.before ?? one.before_state ?? 'not asked'}</Table.Td>
              <Table.Td>{one.after ?? one.after_state ?? 'not asked'}</Table.Td>
              <Table.Td>
                {one.difference === null ? '–' : one.difference > 0 ? `+${one.difference}` : one.difference}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <pre className={classes.diff}>
        {found.sql_diff.length === 0 && 'The two queries are the same.'}
        {found.sql_diff.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of a diff have no other name
          <div key={index} data-sign={/^[+-](?![+-])/.exec(line)?.[0]}>
            {line}
          </div>
        ))}
      </pre>
    </>
  );
}
