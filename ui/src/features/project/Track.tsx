/** The way of a project, with dates: Created → Cohort → Staged → Approved → Images → Models. */
import { IconCheck } from '@tabler/icons-react';
import type { Project } from '@/api/types';
import { dayOf } from '@/app/time';
import classes from './Track.module.css';

interface Step {
  name: string;
  note: string;
  done: boolean;
}

export function trackOf(project: Project): Step[] {
  const { trusts } = project;
  const approved = trusts.filter((trust) => trust.decision === 'APPROVED');
  const ready = approved.filter((trust) => trust.imaging?.final);
  const models = Object.values(project.models).reduce((sum, count) => sum + count, 0);
  const persons = project.cohort?.persons;
  const steps: Step[] = [
    { name: 'Created', note: dayOf(project.created_at), done: true },
    {
      name: 'Cohort',
      note: project.cohort
        ? persons == null
          ? 'no answer yet'
          : `${persons.toLocaleString()} persons`
        : 'write the query',
      done: project.query_id !== null,
    },
    {
      name: 'Staged',
      note: project.staged_at ? dayOf(project.staged_at) : 'choose trusts',
      done: project.staged_at !== null,
    },
    {
      name: 'Approved',
      note: trusts.length ? `${approved.length} of ${trusts.length} trusts` : 'each trust decides',
      done: project.status === 'APPROVED',
    },
  ];
  if (project.kind === 'imaging') {
    steps.push({
      name: 'Images',
      note: approved.length ? `${ready.length} of ${approved.length} trusts ready` : 'fetched at each trust',
      done: approved.length > 0 && ready.length === approved.length,
    });
  }
  steps.push({ name: 'Models', note: models ? `${models}` : 'upload and train', done: models > 0 });
  return steps;
}

export function Track({ project }: { project: Project }) {
  const steps = trackOf(project);
  const current = steps.findIndex((step) => !step.done);
  return (
    <ol className={classes.track} aria-label="Progress of the project">
      {steps.map((step, index) => (
        <li key={step.name} data-done={step.done || undefined} aria-current={index === current ? 'step' : undefined}>
          <span className={classes.mark} aria-hidden>
            {step.done ? <IconCheck size={13} stroke={3} /> : index + 1}
          </span>
          <span className={classes.words}>
            <b>{step.name}</b>
            <span className="num">{step.note}</span>
          </span>
          <span className="visually-hidden">{step.done ? 'done' : index === current ? 'next' : 'later'}</span>
        </li>
      ))}
    </ol>
  );
}
