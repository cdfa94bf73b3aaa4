import { Button, Skeleton } from '@mantine/core';
import { IconCube } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { metricsQuery, modelsQuery, runsQuery } from '@/api/queries';
import type { Model } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { Spark } from '@/components/Spark';
import { Status } from '@/components/Status';
import { mainSeries } from './mainSeries';
import classes from './ProjectPage.module.css';

export function ModelsCard({ projectId, onNew }: { projectId: string; onNew?: () => void }) {
  const { data: models, error, refetch } = useQuery(modelsQuery(projectId));
  return (
    <Card flush title="Models" note="Each is one app with its files; training it again makes a new run.">
      {error && !models && <ErrorNote error={error} retry={refetch} />}
      {!models && !error && <Skeleton height={64} m="md" />}
      {models?.length === 0 && (
        <EmptyNote
          icon={<IconCube size={24} />}
          title="Approved: bring your app"
          action={
            onNew && (
              <Button variant="default" onClick={onNew}>
                New model
              </Button>
            )
          }
        >
          A model is a Flower app. Make one with <code>flip app new</code>, or upload yours; it is checked before
          anything runs.
        </EmptyNote>
      )}
      <ul className={classes.models}>
        {models?.map((model) => (
          <Row key={model.id} model={model} />
        ))}
      </ul>
    </Card>
  );
}

function Row({ model }: { model: Model }) {
  const trained = model.status !== 'PENDING';
  const run = useQuery({ ...runsQuery(model.id), enabled: trained }).data?.[0];
  const series = useQuery({ ...metricsQuery(run?.id ?? ''), enabled: run !== undefined }).data;
  const main = series && mainSeries(series);
  return (
    <li className={classes.model}>
      <div>
        <Link to="/models/$modelId" params={{ modelId: model.id }} className={classes.modelName}>
          {model.name}
        </Link>
        <div className={classes.muted}>
          {model.description || 'No description'} · <Ago at={model.created_at} />
        </div>
      </div>
      <div className={classes.spark}>{main && <Spark label={main.label} lines={main.lines} />}</div>
      <Status state={model.status} pulse={model.status === 'TRAINING_STARTED'} />
    </li>
  );
}
