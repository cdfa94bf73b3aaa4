import { Button, Group } from '@mantine/core';
import { IconDatabaseSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { cohortQuery } from '@/api/queries';
import type { Project } from '@/api/types';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { TrustName } from '@/components/TrustName';
import { Budget } from '../cohort/Budget';
import classes from './ProjectPage.module.css';

export function CohortCard({ project }: { project: Project }) {
  const { cohort } = project;
  if (!cohort) {
    return (
      <Card>
        <EmptyNote
          icon={<IconDatabaseSearch size={24} />}
          title="Next: who is in it?"
          action={
            <Button component={Link} to={`/projects/${project.id}/cohort`}>
              Write the cohort query
            </Button>
          }
        >
          A query over omop.* defines the cohort. Each trust answers with counts only; you see them before anyone has to
          decide.
        </EmptyNote>
      </Card>
    );
  }
  const hidden = cohort.states.suppressed ?? 0;
  return (
    <Card
      title="Cohort"
      aside={
        <Button size="compact-xs" variant="subtle" component={Link} to={`/projects/${project.id}/cohort`}>
          Open
        </Button>
      }
    >
      <Group gap={36}>
        <div>
          <div className="eyebrow">Persons</div>
          <div className={`${classes.big} num`}>{cohort.persons?.toLocaleString() ?? '–'}</div>
        </div>
        {project.kind === 'imaging' && (
          <div>
            <div className="eyebrow">Studies</div>
            <div className={`${classes.big} num`}>{cohort.accessions?.toLocaleString() ?? '–'}</div>
          </div>
        )}
      </Group>
      {hidden > 0 && <div className={classes.muted}>+ {hidden} trust(s) with too few to tell</div>}
      <Budgets query={cohort.query_id} />
      <pre className={classes.sql} tabIndex={0}>
        {cohort.sql}
      </pre>
    </Card>
  );
}

/** What was left at each trust after the saved query. */
function Budgets({ query }: { query: string }) {
  const answers = useQuery(cohortQuery(query)).data?.answers ?? [];
  return answers.map(
    ({ trust, result }) =>
      result?.budget && (
        <div key={trust} className={classes.budget}>
          <TrustName name={trust} />
          <Budget budget={result.budget} trust={trust} />
        </div>
      ),
  );
}
