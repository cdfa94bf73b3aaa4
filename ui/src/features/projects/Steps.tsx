/** How far a project is, in five dashes. The project's own page says it in full. */
import type { Project } from '@/api/types';
import classes from './Steps.module.css';

const NAMES = ['Created', 'Cohort', 'Staged', 'Approved', 'Images'];

export function stepsDone(project: Project): number {
  if (project.status === 'APPROVED') {
    const ready =
      project.kind !== 'imaging' || project.trusts.some((t) => t.decision === 'APPROVED' && t.imaging?.final);
    return ready ? 5 : 4;
  }
  if (project.status === 'STAGED') return 3;
  return project.query_id ? 2 : 1;
}

export function Steps({ project }: { project: Project }) {
  const done = stepsDone(project);
  return (
    <div className={classes.steps} role="img" aria-label={`Step ${done} of 5: ${NAMES[done - 1]}`}>
      {NAMES.map((name, index) => (
        <span key={name} data-done={index < done || undefined} />
      ))}
    </div>
  );
}
