import { Table } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ProjectSummary } from '@/api/types';
import { Ago } from '@/components/Ago';
import { Status } from '@/components/Status';
import { cohortSize, KindLabel, TrustChips } from './ProjectCards';
import classes from './ProjectsPage.module.css';

export function ProjectTable({ projects }: { projects: ProjectSummary[] }) {
  return (
    <section className={classes.table} aria-label="Projects" tabIndex={0}>
      <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Type</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Trusts</Table.Th>
            <Table.Th className="right">Cohort</Table.Th>
            <Table.Th className="right">Models</Table.Th>
            <Table.Th>Owner</Table.Th>
            <Table.Th>Created</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {projects.map((project) => (
            <Table.Tr key={project.id}>
              <Table.Td>
                <Link to="/projects/$projectId" params={{ projectId: project.id }} className={classes.rowLink}>
                  {project.name}
                </Link>
              </Table.Td>
              <Table.Td>
                <KindLabel kind={project.kind} />
              </Table.Td>
              <Table.Td>
                <Status state={project.status} />
              </Table.Td>
              <Table.Td>
                <TrustChips project={project} />
              </Table.Td>
              <Table.Td className="num right">{cohortSize(project)}</Table.Td>
              <Table.Td className="num right">{project.model_count}</Table.Td>
              <Table.Td>{project.owner}</Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Ago at={project.created_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}
