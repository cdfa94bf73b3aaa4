import { Button, Code, CopyButton, Skeleton, Table } from '@mantine/core';
import { IconDownload, IconPackage } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { metricsQuery } from '@/api/queries';
import type { Run } from '@/api/types';
import { duration, fullTime, secondsBetween } from '@/app/time';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import { runName, useModel } from '../useModel';
import classes from './ResultsPanel.module.css';

export function ResultsPanel() {
  const { modelId, runs } = useModel();
  if (!runs) return <Skeleton height={240} radius="lg" />;
  const ended = runs.filter((run) => run.finished_at !== null);
  if (!ended.length) {
    return (
      <Card>
        <EmptyNote
          icon={<IconPackage size={24} />}
          title="No results yet"
          action={
            <Button component={Link} to={`/models/${modelId}/training`}>
              To Training
            </Button>
          }
        >
          When a run ends well, its global model, its history and whatever the ServerApp wrote are kept here as one zip.
        </EmptyNote>
      </Card>
    );
  }
  return (
    <div className={classes.list}>
      {ended.map((run) => (
        <RunResults key={run.id} run={run} name={runName(runs, run.id)} />
      ))}
    </div>
  );
}

function RunResults({ run, name }: { run: Run; name: string }) {
  const good = run.state === 'succeeded';
  const rounds = Math.max(0, ...run.rounds.map((round) => round.round));
  const config = Object.entries(run.run_config);
  return (
    <Card
      title={name}
      note={`${fullTime(run.created_at)}, ${run.finished_at ? duration(secondsBetween(run.created_at, run.finished_at)) : ''}`}
      aside={
        <>
          <Status state={run.state} />
          {good && (
            <Button
              component="a"
              href={`/api/v1/runs/${run.id}/results`}
              download
              leftSection={<IconDownload size={16} />}
            >
              Download Results
            </Button>
          )}
        </>
      }
    >
      {!good && (
        <p className={classes.reason}>
          {run.reason_text || 'It left no results.'} <Code>{run.reason_code}</Code>
        </p>
      )}
      <dl className={classes.facts}>
        <dt>Trusts</dt>
        <dd>
          {run.trusts.map((part) => (
            <TrustName key={part.trust} name={part.trust} />
          ))}
        </dd>
        <dt>Rounds</dt>
        <dd className="num">{rounds}</dd>
        <dt>Changed values</dt>
        <dd>
          {config.length
            ? config.map(([key, value]) => <Code key={key}>{`${key} = ${value}`}</Code>)
            : 'none; as the app declares'}
        </dd>
        <dt>Run</dt>
        <dd>
          <CopyButton value={run.id}>
            {({ copied, copy }) => (
              <button type="button" className={classes.id} onClick={copy} aria-label="Copy the run's id">
                {run.id} {copied && '· copied'}
              </button>
            )}
          </CopyButton>
        </dd>
      </dl>
      {good && <LastValues runId={run.id} />}
    </Card>
  );
}

/** The last value of each metric at each trust. */
function LastValues({ runId }: { runId: string }) {
  const series = useQuery(metricsQuery(runId)).data?.filter((one) => one.points.length);
  if (!series?.length) return null;
  const labels = [...new Set(series.map((one) => one.label))].sort();
  const trusts = [...new Set(series.map((one) => one.trust))].sort(
    (a, b) => Number(a === null) - Number(b === null) || (a ?? '').localeCompare(b ?? ''),
  );
  const last = (trust: string | null, label: string) =>
    series.find((one) => one.trust === trust && one.label === label)?.points.at(-1)?.[1];
  return (
    <div className={classes.scroll}>
      <Table horizontalSpacing={0} verticalSpacing={6} className="num">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Last value</Table.Th>
            {trusts.map((trust) => (
              <Table.Th key={trust}>{trust ?? 'server'}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {labels.map((label) => (
            <Table.Tr key={label}>
              <Table.Td>{label}</Table.Td>
              {trusts.map((trust) => (
                <Table.Td key={trust}>{last(trust, label)?.toPrecision(4) ?? '–'}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
