import { IconCube, IconPhotoScan, IconTable, IconUser, IconUsers } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ProjectSummary } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Status } from '@/components/Status';
import { DecisionIcon } from './DecisionIcon';
import classes from './ProjectsPage.module.css';
import { Steps } from './Steps';

export function ProjectCards({ projects }: { projects: ProjectSummary[] }) {
  return (
    <ul className={classes.grid}>
      {projects.map((project) => (
        <li key={project.id} className={classes.card}>
          <div className={classes.top}>
            <KindLabel kind={project.kind} />
            {project.active_runs > 0 ? (
              <Status
                state="running"
                pulse
                word={project.active_runs > 1 ? `${project.active_runs} runs` : 'Training'}
              />
            ) : (
              <Status state={project.status} />
            )}
          </div>
          <Link to="/projects/$projectId" params={{ projectId: project.id }} className={classes.name}>
            {project.name}
          </Link>
          <div className={classes.facts}>
            <span>
              <IconUser size={14} stroke={1.6} aria-hidden /> {project.owner}
            </span>
            {project.query_id && (
              <span className="num">
                <IconUsers size={14} stroke={1.6} aria-hidden /> {cohortSize(project)}
              </span>
            )}
            <span className="num">
              <IconCube size={14} stroke={1.6} aria-hidden /> {project.model_count}{' '}
              {project.model_count === 1 ? 'model' : 'models'}
            </span>
          </div>
          <Steps project={project} />
          <div className={classes.foot}>
            <TrustChips project={project} />
            <Ago at={project.created_at} />
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Suppressed answers are in no sum, so nothing is known where nobody told a count. */
export const cohortSize = ({ query_id, cohort_persons }: ProjectSummary) =>
  !query_id ? '–' : cohort_persons === null ? 'not told' : `${cohort_persons.toLocaleString()} persons`;

export function KindLabel({ kind }: { kind: string }) {
  return (
    <span className={classes.kind}>
      {kind === 'imaging' ? <IconPhotoScan size={15} stroke={1.6} /> : <IconTable size={15} stroke={1.6} />}
      {kind === 'imaging' ? 'Imaging' : 'Tabular'}
    </span>
  );
}

export function TrustChips({ project }: { project: ProjectSummary }) {
  if (!project.trusts.length) return <span>No trust asked yet</span>;
  return (
    <span className={classes.trusts}>
      {project.trusts.map(({ trust, decision }) => (
        <span key={trust} className={classes.trust}>
          <DecisionIcon decision={decision} />
          {trust}
        </span>
      ))}
    </span>
  );
}
