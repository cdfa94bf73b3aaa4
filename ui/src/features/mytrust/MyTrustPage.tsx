/** For who speaks for a hospital: what waits for an answer, what was answered, and what has come from there. */
import { Anchor, Select, Skeleton, Table } from '@mantine/core';
import { IconInbox } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useLive } from '@/api/live';
import { meQuery, projectsQuery } from '@/api/queries';
import type { ProjectSummary } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { NotFound } from '@/components/RouteStates';
import { ScrollTable } from '@/components/ScrollTable';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import classes from './MyTrust.module.css';
import { ReceivedCard } from './ReceivedCard';

export function MyTrustPage() {
  const me = useQuery(meQuery()).data;
  const search = useSearch({ from: '/inside/my-trust' });
  const navigate = useNavigate({ from: '/my-trust' });
  const { data: page, error, refetch } = useQuery(projectsQuery());
  useLive(['trusts']);
  if (!me) return null;
  if (me.trusts.length === 0) return <NotFound />;
  const trust = me.trusts.find((one) => one === search.trust) ?? (me.trusts[0] as string);
  const asked = page?.items.flatMap((project) => {
    const mine = project.trusts.find((one) => one.trust === trust);
    return mine ? [{ project, decision: mine.decision }] : [];
  });
  const waiting = asked?.filter((one) => one.decision === 'PENDING');
  const decided = asked?.filter((one) => one.decision !== 'PENDING');
  return (
    <>
      <PageHead
        title="My trust"
        badge={<TrustName name={trust} />}
        note="No patient’s data leave your trust. What does leave, and who may cause it, is for you to decide."
        actions={
          me.trusts.length > 1 && (
            <Select
              aria-label="Trust"
              allowDeselect={false}
              data={me.trusts}
              value={trust}
              onChange={(name) => void navigate({ search: { trust: name ?? undefined }, replace: true })}
            />
          )
        }
      />
      {error && !page && <ErrorNote error={error} retry={refetch} title="The projects could not be read" />}
      <div className={classes.stack}>
        <Card flush title="Waiting for your answer">
          {!waiting && !error && <Skeleton height={90} m="md" />}
          {waiting?.length === 0 && (
            <EmptyNote icon={<IconInbox size={24} />} title="Nothing waits">
              A project appears here when its researcher asks your trust to approve it.
            </EmptyNote>
          )}
          <ul className={classes.waiting}>
            {waiting?.map(({ project }) => (
              <li key={project.id}>
                <div className={classes.grow}>
                  <Link
                    to="/my-trust/$projectId"
                    params={{ projectId: project.id }}
                    search={{ trust }}
                    className={classes.name}
                  >
                    {project.name}
                  </Link>
                  <div className={classes.muted}>
                    {project.owner} asks
                    {project.staged_at && (
                      <>
                        {' '}
                        since <Ago at={project.staged_at} />
                      </>
                    )}
                  </div>
                </div>
                <Status state="STAGED" word="Review and answer" tone="warn" />
              </li>
            ))}
          </ul>
        </Card>
        {decided && decided.length > 0 && (
          <Card flush title="Answered">
            <ScrollTable
              label="Answered projects"
              columns={['Project', 'Owner', 'Answer', 'At work now']}
              minWidth={520}
            >
              {decided.map((one) => (
                <Decided key={one.project.id} {...one} trust={trust} />
              ))}
            </ScrollTable>
          </Card>
        )}
        <ReceivedCard trust={trust} />
      </div>
    </>
  );
}

function Decided({ project, decision, trust }: { project: ProjectSummary; decision: string; trust: string }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/my-trust/${project.id}?trust=${trust}`} fw={550} c="inherit">
          {project.name}
        </Anchor>
      </Table.Td>
      <Table.Td>{project.owner}</Table.Td>
      <Table.Td>
        <Status state={decision} />
      </Table.Td>
      <Table.Td>
        {project.active_runs > 0 ? (
          <Status state="running" word={`${project.active_runs} running`} pulse />
        ) : (
          <span className={classes.muted}>nothing</span>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
