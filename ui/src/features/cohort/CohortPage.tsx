import { Alert, Button, Kbd, Menu, Skeleton, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconBook2, IconDatabaseSearch, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { data, hub } from '@/api/client';
import { HubError } from '@/api/errors';
import { useLive } from '@/api/live';
import { checkSqlQuery, cohortQuery, projectQuery } from '@/api/queries';
import { queries } from '@/app/queryClient';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { Answers } from './Answers';
import classes from './CohortPage.module.css';
import EXAMPLES from './examples.json';
import { History } from './History';
import { type Mark, SqlEditor } from './SqlEditor';

const SETTLE_MS = 500;

export function CohortPage() {
  const { projectId } = useParams({ from: '/inside/projects/$projectId/cohort' });
  const { query: asked } = useSearch({ from: '/inside/projects/$projectId/cohort' });
  const navigate = useNavigate();
  const { data: project, error, refetch } = useQuery(projectQuery(projectId));
  const shownId = asked ?? project?.query_id ?? undefined;
  const shown = useQuery({ ...cohortQuery(shownId ?? ''), enabled: shownId !== undefined });
  useLive([`project:${projectId}`, ...(shownId ? [`query:${shownId}`] : [])]);
  const [draft, setDraft] = useState<string | null>(null);
  const sql = draft ?? shown.data?.sql ?? '';
  const frozen = project !== undefined && project.status !== 'UNSTAGED';
  const show = (query: string | undefined) => {
    setDraft(null);
    void navigate({ to: '/projects/$projectId/cohort', params: { projectId }, search: { query } });
  };

  const [settled] = useDebouncedValue(sql, SETTLE_MS);
  const check = useQuery({
    ...checkSqlQuery(settled, project?.kind),
    enabled: settled.trim() !== '' && project !== undefined && !frozen,
  }).data;
  const run = useMutation({
    mutationFn: () =>
      data(
        hub.POST('/api/v1/projects/{project_id}/cohort-queries', {
          params: { path: { project_id: projectId } },
          body: { sql, save: true },
        }),
      ),
    onSuccess: async (query) => {
      queries.setQueryData(['cohort', query.id], query);
      await queries.invalidateQueries({ queryKey: ['project', projectId] });
      show(undefined);
    },
  });
  const start = () => {
    if (sql.trim() && !frozen && !run.isPending) run.mutate();
  };
  const problem = settled === sql ? check?.problem : undefined;
  const marks = useMemo((): Mark[] => {
    if (problem) return [{ line: problem.line, column: problem.column, message: problem.message, severity: 'error' }];
    return marksOf(run.error);
  }, [problem, run.error]);
  // The check speaks while one writes; the refusal of a query that was sent is shown until it is sent again.
  const said = run.error && !problem;

  if (error && !project) return <ErrorNote error={error} retry={refetch} title="The project could not be read" />;
  return (
    <>
      <PageHead
        title="Cohort query"
        crumbs={
          <>
            <Link to="/projects">Projects</Link>
            <span aria-hidden>/</span>
            <Link to="/projects/$projectId" params={{ projectId }}>
              {project?.name ?? '…'}
            </Link>
            <span aria-hidden>/</span>
          </>
        }
        note="PostgreSQL over omop.* (CDM 5.4 with MI-CDM). Each trust runs it on its own data and answers with counts only, rounded, and suppressed where few persons are meant."
        actions={
          project?.query_id && (
            <Button variant="default" component={Link} to={`/projects/${projectId}`}>
              {frozen ? 'Back to the project' : 'Choose trusts and stage'}
            </Button>
          )
        }
      />
      <div className={classes.layout}>
        <Card
          flush
          title="Query"
          note={
            frozen ? 'Frozen: the trusts decide about exactly this query. A new question is a new project.' : undefined
          }
          aside={
            !frozen && (
              <>
                <Menu width={330} position="bottom-end">
                  <Menu.Target>
                    <Button size="xs" variant="default" leftSection={<IconBook2 size={15} />}>
                      Examples
                    </Button>
                  </Menu.Target>
                  <Menu.Dropdown>
                    {EXAMPLES.map((example) => (
                      <Menu.Item key={example.name} onClick={() => setDraft(example.sql)}>
                        <div>{example.name}</div>
                        <div className={classes.about}>{example.about}</div>
                      </Menu.Item>
                    ))}
                  </Menu.Dropdown>
                </Menu>
                <Tooltip
                  label={
                    <>
                      <Kbd size="xs">Ctrl</Kbd> + <Kbd size="xs">Enter</Kbd>
                    </>
                  }
                >
                  <Button
                    size="xs"
                    leftSection={<IconPlayerPlay size={15} />}
                    onClick={start}
                    loading={run.isPending}
                    disabled={!sql.trim()}
                  >
                    Ask the trusts
                  </Button>
                </Tooltip>
              </>
            )
          }
        >
          <div className={classes.editor}>
            {project && (!shownId || shown.data) ? (
              <SqlEditor
                key={String(frozen)}
                value={sql}
                onChange={setDraft}
                onRun={start}
                marks={marks}
                readOnly={frozen}
                describedBy="leave-editor"
              />
            ) : (
              <Skeleton height={210} m="md" />
            )}
          </div>
          <div className={classes.said}>
            <span role="status">
              {problem && (
                <span className={classes.problem}>
                  {where(problem)} {problem.message} <code>{problem.code}</code>
                </span>
              )}
              {!problem && check?.ok && settled === sql && check.columns.length > 0 && (
                <span>Selects {check.columns.join(', ')}</span>
              )}
            </span>
            <span id="leave-editor">
              <Kbd size="xs">Esc</Kbd>, then <Kbd size="xs">Tab</Kbd> leaves the editor
            </span>
          </div>
          {!problem &&
            check?.warnings.map((warning) => (
              <Alert key={warning} color="yellow" variant="light" mx="md" mb="md">
                {warning}
              </Alert>
            ))}
          {said && (
            <div className={classes.refused}>
              <ErrorNote error={run.error} title={where(marks[0]) || 'The query was not sent'} />
            </div>
          )}
        </Card>
        {project && !shownId ? (
          <Card>
            <EmptyNote icon={<IconDatabaseSearch size={24} />} title="Ask before you stage">
              Write the query that finds your cohort, or start from an example. You see how many persons and studies
              each trust has, and how they are spread, before any hospital has to decide.
            </EmptyNote>
          </Card>
        ) : shown.data ? (
          <Answers query={shown.data} imaging={project?.kind !== 'tabular'} />
        ) : shown.error ? (
          <ErrorNote error={shown.error} retry={shown.refetch} />
        ) : (
          <Skeleton height={220} radius="lg" />
        )}
        {project && project.query_count > 0 && (
          <History projectId={projectId} shownId={shownId} frozen={frozen} onShow={show} />
        )}
      </div>
    </>
  );
}

/** Where the server's check found fault, if it says. */
function marksOf(error: unknown): Mark[] {
  if (!(error instanceof HubError) || !error.code.startsWith('sql_')) return [];
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  return [
    {
      line: number(error.details.line),
      column: number(error.details.column),
      message: error.message,
      severity: 'error',
    },
  ];
}

const where = (mark?: { line: number | null; column: number | null }) =>
  mark?.line ? `Line ${mark.line}${mark.column ? `, column ${mark.column}` : ''}:` : '';
