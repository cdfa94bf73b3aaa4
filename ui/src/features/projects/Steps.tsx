/** How far a project is, in five dashes. The project's own page says it in full. */
import type { ProjectSummary } from '@/api/types';
import classes from './Steps.module.css';

const NAMES = ['Draft', 'Cohort', 'Staged', 'Approved', 'Models'];

export function stepsDone(project: ProjectSummary): number {
  if (project.status === 'APPROVED') return project.model_count > 0 ? 5 : 4;
  if (project.status === 'STAGED') return 3;
  return project.query_id ? 2 : 1;
}

export function Steps({ project }: { project: ProjectSummary }) {
  const done = stepsDone(project);
  return (
    <div className={classes.steps} role="img" aria-label={`Step ${done} of 5: ${NAMES[done - 1]}`}>
      {NAMES.map((name, index) => (
        <span key={name} data-done={index < done || undefined} />
      ))}
    </div>
  );
}
