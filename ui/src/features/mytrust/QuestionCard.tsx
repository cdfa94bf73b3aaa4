/** What is asked: the purpose, whom it means here, and the query in words and as it is. */
import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { checkSqlQuery, cohortQuery } from '@/api/queries';
import type { Project } from '@/api/types';
import { Card } from '@/components/Card';
import { Term } from '@/components/Term';
import { SeriesWords } from '../series/SeriesWords';
import classes from './MyTrust.module.css';

export function QuestionCard({ project, trust }: { project: Project; trust: string }) {
  const query = useQuery({ ...cohortQuery(project.query_id ?? ''), enabled: project.query_id !== null }).data;
  const words = useQuery({ ...checkSqlQuery(query?.sql ?? '', project.kind), enabled: query !== undefined }).data
    ?.words;
  const result = query?.answers.find((one) => one.trust === trust)?.result;
  return (
    <Card title="What is asked" note={project.purpose}>
      <div className={classes.facts}>
        <Fact
          name="Persons at your trust"
          value={result ? (result.suppressed ? `< ${result.threshold}` : result.persons?.toLocaleString()) : undefined}
        />
        {project.kind === 'imaging' && (
          <Fact
            name="Studies"
            value={result ? (result.suppressed ? 'not told' : result.accessions?.toLocaleString()) : undefined}
          />
        )}
        <Fact
          name="Images"
          value={project.kind === 'imaging' ? (project.dicom_to_nifti ? 'NIfTI' : 'DICOM') : 'none'}
        />
      </div>
      <p className={classes.muted}>
        As your trust told the hub, rounded. Your trust itself shows the exact <Term word="cohort">cohort</Term>:{' '}
        <code>flip-trust show {project.id.slice(0, 8)}…</code>
      </p>
      {!query && <Skeleton height={90} mt="md" />}
      {words && words.length > 0 && (
        <ul className={classes.words} aria-label="The query in words">
          {words.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two lines may be the same
            <li key={index}>{line}</li>
          ))}
        </ul>
      )}
      {project.kind === 'imaging' && (
        <div className={classes.series}>
          <div className="eyebrow">
            <Term word="series rule">Image series</Term>
          </div>
          <SeriesWords rule={project.series_rule} />
        </div>
      )}
      {query && (
        <details className={classes.fold}>
          <summary>The query as it is (SQL)</summary>
          <pre className={classes.sql} tabIndex={0}>
            {query.sql}
          </pre>
        </details>
      )}
    </Card>
  );
}

function Fact({ name, value }: { name: string; value: string | undefined }) {
  return (
    <div>
      <div className="eyebrow">{name}</div>
      <div className={`${classes.big} num`}>{value ?? '–'}</div>
    </div>
  );
}
