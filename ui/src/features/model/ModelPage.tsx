import { Alert, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import { Link, Outlet } from '@tanstack/react-router';
import { HubError } from '@/api/errors';
import { useLive } from '@/api/live';
import { MODEL_PANELS } from '@/app/router';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { NotFound } from '@/components/RouteStates';
import { Status } from '@/components/Status';
import classes from './ModelPage.module.css';
import { ProgressBar } from './ProgressBar';
import { StopButton } from './StopButton';
import { useModel } from './useModel';

const NAMES = { files: 'Files', training: 'Training', live: 'Live', metrics: 'Metrics', results: 'Results' };

export function ModelPage() {
  const { modelId, model, project, runs, newest, active, mayChange, error, refetch } = useModel();
  useLive([`model:${modelId}`, 'queue', 'trusts', ...(newest ? [`run:${newest.id}`] : [])]);
  if (error instanceof HubError && error.status === 404) return <NotFound />;
  if (error && !model) return <ErrorNote error={error} retry={refetch} title="The model could not be read" />;
  if (!model) return <Waiting />;
  const counts: Partial<Record<(typeof MODEL_PANELS)[number], number>> = { live: runs?.length };
  return (
    <>
      <PageHead
        title={model.name}
        badge={<Status state={model.status} pulse={active} />}
        crumbs={
          <>
            <Link to="/projects">Projects</Link>
            <span aria-hidden>/</span>
            <Link to="/projects/$projectId" params={{ projectId: model.project_id }}>
              {project?.name ?? '…'}
            </Link>
            <span aria-hidden>/</span>
          </>
        }
        note={model.description || undefined}
        actions={active && newest && mayChange && <StopButton run={newest} />}
      />
      <ProgressBar model={model} run={newest} />
      {newest && !active && newest.reason_code !== 'completed' && newest.reason_text && (
        <Alert
          mb="md"
          variant="light"
          color={newest.state === 'succeeded' ? 'petrol' : newest.state === 'failed' ? 'red' : 'yellow'}
          icon={newest.state === 'succeeded' ? <IconInfoCircle size={18} /> : <IconAlertTriangle size={18} />}
        >
          {newest.reason_text} <code>{newest.reason_code}</code>
        </Alert>
      )}
      <nav className={classes.tabs} aria-label="Panels of the model">
        {MODEL_PANELS.map((panel) => (
          <Link
            key={panel}
            to={`/models/$modelId/${panel}`}
            params={{ modelId }}
            className={classes.tab}
            activeProps={{ 'data-active': true }}
          >
            {NAMES[panel]}
            {counts[panel] ? <span className={classes.count}>{counts[panel]}</span> : null}
          </Link>
        ))}
      </nav>
      <Outlet />
    </>
  );
}

function Waiting() {
  return (
    <div aria-busy="true">
      <Skeleton height={32} width={300} mb={24} />
      <Skeleton height={84} radius="lg" mb={20} />
      <Skeleton height={300} radius="lg" />
    </div>
  );
}
