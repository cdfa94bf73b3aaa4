import { Button, Skeleton } from '@mantine/core';
import { IconPackage } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { resultsQuery } from '@/api/queries';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { runName, useModel } from '../useModel';
import classes from './ResultsPanel.module.css';
import { RunResults } from './RunResults';

export function ResultsPanel() {
  const { modelId, runs } = useModel();
  const { data: results, error, refetch } = useQuery(resultsQuery(modelId));
  if (error && !results) return <ErrorNote error={error} retry={refetch} title="The results could not be listed" />;
  if (!runs || !results) return <Skeleton height={240} radius="lg" />;
  const ended = runs.filter((run) => run.finished_at !== null);
  const stored = new Map(results.map((one) => [one.run_id, one]));
  const newest = ended.find((run) => stored.has(run.id));
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
          When a run ends, its global model, its history and whatever the ServerApp wrote are kept here as one zip, with
          a model card and the provenance of every file.
        </EmptyNote>
      </Card>
    );
  }
  return (
    <div className={classes.list}>
      {ended.map((run) => (
        <RunResults
          key={run.id}
          run={run}
          name={runName(runs, run.id)}
          stored={stored.get(run.id)}
          newest={run === newest}
        />
      ))}
    </div>
  );
}
