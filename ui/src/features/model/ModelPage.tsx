import { Alert, Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconInfoCircle, IconPencil } from '@tabler/icons-react';
import { Link, Outlet } from '@tanstack/react-router';
import { useState } from 'react';
import { HubError } from '@/api/errors';
import { useLive } from '@/api/live';
import { MODEL_PANELS } from '@/app/routes/models';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { PanelNav } from '@/components/PanelNav';
import { NotFound } from '@/components/RouteStates';
import { Status } from '@/components/Status';
import { EditModel } from './EditModel';
import { ProgressBar } from './ProgressBar';
import { StopButton } from './StopButton';
import { useModel } from './useModel';

const NAMES = { files: 'Files', training: 'Training', live: 'Live', metrics: 'Metrics', results: 'Results' };

export function ModelPage() {
  const { modelId, model, project, runs, newest, active, mayChange, error, refetch } = useModel();
  const [editing, setEditing] = useState(false);
  useLive([`model:${modelId}`, 'queue', 'trusts', ...(newest ? [`run:${newest.id}`] : [])]);
  if (error instanceof HubError && error.status === 404) return <NotFound />;
  if (error && !model) return <ErrorNote error={error} retry={refetch} title="The model could not be read" />;
  if (!model) return <Waiting />;
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
        actions={
          mayChange && (
            <>
              <Button variant="default" leftSection={<IconPencil size={16} />} onClick={() => setEditing(true)}>
                Edit
              </Button>
              {active && newest && <StopButton run={newest} />}
            </>
          )
        }
      />
      <ProgressBar model={model} run={newest} />
      {newest && newest.reason_code !== 'completed' && newest.reason_text && (
        <Alert
          mb="md"
          variant="light"
          color={newest.state === 'succeeded' ? 'petrol' : newest.state === 'failed' ? 'red' : 'yellow'}
          icon={newest.state === 'succeeded' ? <IconInfoCircle size={18} /> : <IconAlertTriangle size={18} />}
        >
          {newest.reason_text} {newest.reason_code && <code>{newest.reason_code}</code>}
        </Alert>
      )}
      <PanelNav
        label="Panels of the model"
        panels={MODEL_PANELS.map((panel) => ({
          to: `/models/${modelId}/${panel}`,
          name: NAMES[panel],
          count: panel === 'live' ? runs?.length : undefined,
        }))}
      />
      <Outlet />
      <EditModel
        key={model.id + model.name}
        model={model}
        trained={runs?.some((run) => run.state === 'succeeded') ?? false}
        active={active}
        opened={editing}
        onClose={() => setEditing(false)}
      />
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
