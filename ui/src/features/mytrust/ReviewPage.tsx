/** One project, with everything that the answer to it depends on: who, why, whom it means, what runs, and what left. */
import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { HubError } from '@/api/errors';
import { useLive } from '@/api/live';
import { meQuery, modelsQuery, projectQuery } from '@/api/queries';
import { ErrorNote } from '@/components/ErrorNote';
import { PageHead } from '@/components/PageHead';
import { NotFound } from '@/components/RouteStates';
import { Status } from '@/components/Status';
import { TrustName } from '@/components/TrustName';
import { AnswerCard } from './AnswerCard';
import { CodeCard } from './CodeCard';
import classes from './MyTrust.module.css';
import { QuestionCard } from './QuestionCard';
import { ReceivedCard } from './ReceivedCard';

export function ReviewPage() {
  const { projectId } = useParams({ from: '/inside/my-trust/$projectId' });
  const search = useSearch({ from: '/inside/my-trust/$projectId' });
  const me = useQuery(meQuery()).data;
  const { data: project, error, refetch } = useQuery(projectQuery(projectId));
  const models = useQuery(modelsQuery(projectId)).data;
  useLive([`project:${projectId}`, 'trusts']);
  if (error instanceof HubError && error.status === 404) return <NotFound />;
  if (error && !project) return <ErrorNote error={error} retry={refetch} title="The project could not be read" />;
  if (!project || !me) return <Skeleton height={420} radius="lg" />;
  const mine = project.trusts.filter((one) => me.trusts.includes(one.trust));
  const asked = mine.find((one) => one.trust === search.trust) ?? mine[0];
  if (!asked) return <NotFound />;
  return (
    <>
      <PageHead
        title={project.name}
        badge={
          <>
            <TrustName name={asked.trust} />
            <Status
              state={asked.decision}
              word={asked.decision === 'PENDING' ? 'Waiting for your answer' : undefined}
            />
          </>
        }
        crumbs={
          <>
            <Link to="/my-trust" search={{ trust: asked.trust }}>
              My trust
            </Link>
            <span aria-hidden>/</span>
          </>
        }
        note={`${project.owner.name} (${project.owner.email}) asks.`}
        actions={
          <Button variant="default" component={Link} to={`/projects/${projectId}`}>
            The project
          </Button>
        }
      />
      <div className={classes.layout}>
        <div className={classes.stack}>
          <QuestionCard project={project} trust={asked.trust} />
          {models?.map((model) => (
            <CodeCard key={model.id} model={model} trust={asked.trust} />
          ))}
          <ReceivedCard trust={asked.trust} project={projectId} />
        </div>
        <AnswerCard project={project} asked={asked} />
      </div>
    </>
  );
}
