/** A model's app as its reviewers need it: what the checks found. */
import { Anchor, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { checkQuery } from '@/api/queries';
import type { Model } from '@/api/types';
import { Card } from '@/components/Card';
import { CodeLink } from '@/components/CodeLink';
import { Status } from '@/components/Status';
import classes from './MyTrust.module.css';

export function CodeCard({ model }: { model: Model }) {
  const check = useQuery(checkQuery(model.id)).data;
  const findings = check?.findings ?? [];
  return (
    <Card
      title={`Code of ${model.name}`}
      note={model.description || undefined}
      aside={
        <Anchor component={Link} to={`/models/${model.id}/files`} size="sm">
          All files
        </Anchor>
      }
    >
      {!check && <Skeleton height={40} />}
      {check && findings.length === 0 && <Text size="sm">The checks found nothing.</Text>}
      <ul className={classes.findings}>
        {findings.map((finding) => (
          <li key={finding.code + finding.file + finding.line}>
            <Status
              state={finding.severity}
              word={finding.severity}
              tone={finding.severity === 'error' ? 'bad' : finding.severity === 'warning' ? 'warn' : 'info'}
            />
            <span>
              {finding.message} <CodeLink code={finding.code} topic="findings" />
              {finding.file && (
                <span className={classes.muted}>
                  {' '}
                  {finding.file}
                  {finding.line ? `:${finding.line}` : ''}
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
