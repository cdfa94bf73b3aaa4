import { Button, Skeleton } from '@mantine/core';
import { IconDatabaseSearch, IconPencil, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { HubError } from '@/api/errors';
import { useLive } from '@/api/live';
import { mayQuery, meQuery, projectQuery } from '@/api/queries';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { NotFound } from '@/components/RouteStates';
import { Status } from '@/components/Status';
import { CohortCard } from './CohortCard';
import { CreateModel } from './CreateModel';
import { EditProject } from './EditProject';
import { ImagingCard } from './ImagingCard';
import { MembersCard } from './MembersCard';
import { ModelsCard } from './ModelsCard';
import classes from './ProjectPage.module.css';
import { SeriesCard } from './SeriesCard';
import { StageCard } from './StageCard';
import { Timeline } from './Timeline';
import { Track } from './Track';
import { TrustsCard } from './TrustsCard';

export function ProjectPage() {
  const { projectId } = useParams({ from: '/inside/projects/$projectId' });
  const { data: project, error, refetch } = useQuery(projectQuery(projectId));
  const me = useQuery(meQuery()).data;
  const mayChange = useQuery(mayQuery('change_projects')).data ?? false;
  useLive([`project:${projectId}`, 'trusts']);
  const [making, setMaking] = useState(false);
  const [editing, setEditing] = useState(false);

  if (error instanceof HubError && error.status === 404) return <NotFound />;
  if (error && !project) return <ErrorNote error={error} retry={refetch} title="The project could not be read" />;
  if (!project) return <Waiting />;
  const mayOwn = mayChange && me !== undefined && (me.id === project.owner_id || me.role === 'admin');
  return (
    <>
      <PageHead
        title={project.name}
        badge={<Status state={project.status} />}
        crumbs={
          <>
            <Link to="/projects">Projects</Link>
            <span aria-hidden>/</span>
          </>
        }
        note={project.purpose}
        actions={
          <>
            {mayOwn && (
              <Button variant="default" leftSection={<IconPencil size={16} />} onClick={() => setEditing(true)}>
                Edit
              </Button>
            )}
            <Button
              variant="default"
              component={Link}
              to={`/projects/${projectId}/cohort`}
              leftSection={<IconDatabaseSearch size={16} />}
            >
              Cohort query
            </Button>
            {project.status === 'APPROVED' && mayChange && (
              <Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
                New model
              </Button>
            )}
          </>
        }
      />
      <Track project={project} />
      <div className={classes.layout}>
        <div className={classes.main}>
          {project.status === 'UNSTAGED' && project.query_id && mayChange && <StageCard project={project} />}
          {project.status === 'APPROVED' && (
            <ModelsCard projectId={projectId} onNew={mayChange ? () => setMaking(true) : undefined} />
          )}
          {project.trusts.length > 0 && <TrustsCard project={project} />}
          {project.kind === 'imaging' && project.trusts.some((trust) => trust.imaging) && (
            <ImagingCard project={project} />
          )}
          {project.status === 'UNSTAGED' && !project.query_id && <CohortCard project={project} />}
        </div>
        <div className={classes.side}>
          {project.query_id && <CohortCard project={project} />}
          {project.kind === 'imaging' && <SeriesCard project={project} />}
          <MembersCard project={project} mayOwn={mayOwn} />
          <Timeline project={project} />
        </div>
      </div>
      <CreateModel projectId={projectId} opened={making} onClose={() => setMaking(false)} />
      <EditProject project={project} opened={editing} onClose={() => setEditing(false)} />
    </>
  );
}

function Waiting() {
  return (
    <div aria-busy="true">
      <Skeleton height={32} width={320} mb={10} />
      <Skeleton height={16} width={480} mb={24} />
      <Skeleton height={86} radius="lg" mb={18} />
      <div className={classes.layout}>
        <Skeleton height={320} radius="lg" />
        <Skeleton height={240} radius="lg" />
      </div>
    </div>
  );
}
