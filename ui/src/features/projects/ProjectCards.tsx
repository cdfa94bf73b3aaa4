import { Text } from '@mantine/core';
import { IconPhotoScan, IconTable } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Project } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Status } from '@/components/Status';
import { DecisionIcon } from './DecisionIcon';
import classes from './ProjectsPage.module.css';
import { Steps } from './Steps';

export function ProjectCards({ projects }: { projects: Project[] }) {
  return (
    <ul className={classes.grid} style={{ listStyle: 'none', padding: 0, margin: 0 }}>
      {projects.map((project) => (
        <li key={project.id} className={classes.card}>
          <div className={classes.top}>
            <KindLabel kind={project.kind} />
            <Status state={project.status} />
          </div>
          <div>
            <Link to="/projects/$projectId" params={{ projectId: project.id }} className={classes.name}>
              {project.name}
            </Link>
            <Text size="sm" c="dimmed" lineClamp={2} mt={3}>
              {project.purpose}
            </Text>
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

export function KindLabel({ kind }: { kind: string }) {
  return (
    <span className={classes.kind}>
      {kind === 'imaging' ? <IconPhotoScan size={15} stroke={1.6} /> : <IconTable size={15} stroke={1.6} />}
      {kind === 'imaging' ? 'Imaging' : 'Tabular'}
    </span>
  );
}

export function TrustChips({ project }: { project: Project }) {
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
