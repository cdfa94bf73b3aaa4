/** What the checks say of the files together: errors block, warnings inform. Each has its place and its remedy. */
import { Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from '@tabler/icons-react';
import type { Check } from '@/api/types';
import { Card } from '@/components/Card';
import { CodeLink } from '@/components/CodeLink';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';
import classes from './FilesPanel.module.css';
import type { Place } from './FileView';

interface Props {
  check: Check | undefined;
  error: unknown;
  empty: boolean;
  onPlace: (place: Place) => void;
}
const RANK: Record<string, number> = { error: 0, warning: 1, info: 2 };

export function CheckCard({ check, error, empty, onPlace }: Props) {
  const findings = [...(check?.findings ?? [])].sort((a, b) => (RANK[a.severity] ?? 3) - (RANK[b.severity] ?? 3));
  const errors = findings.filter((finding) => finding.severity === 'error').length;
  return (
    <Card
      title="Checks"
      note="The same that `flip app check` runs on your machine."
      aside={
        check &&
        !empty &&
        (check.ok ? (
          <Status state="answered" word="Can be trained" />
        ) : (
          <Status state="error" word={errors === 1 ? '1 error' : `${errors} errors`} />
        ))
      }
    >
      {error !== null && !check && <ErrorNote error={error} />}
      {!check && error === null && <Skeleton height={120} />}
      {check && empty && (
        <EmptyNote icon={<IconInfoCircle size={24} />} title="Nothing to check yet">
          A Flower app needs <code>pyproject.toml</code> and the two modules that it names. Start from a template with{' '}
          <code>flip app new my-app --template standard</code>.
        </EmptyNote>
      )}
      {check && !empty && findings.length === 0 && (
        <EmptyNote icon={<IconCircleCheck size={24} />} title="No finding">
          The app has what it needs. Go on to Training.
        </EmptyNote>
      )}
      {!empty && (
        <ul className={classes.findings}>
          {findings.map((finding) => (
            <li key={finding.code + finding.file + finding.line + finding.message}>
              {finding.severity === 'error' ? (
                <IconCircleX size={18} color="var(--bad)" aria-label="Error" role="img" />
              ) : finding.severity === 'warning' ? (
                <IconAlertTriangle size={18} color="var(--warn)" aria-label="Warning" role="img" />
              ) : (
                <IconInfoCircle size={18} color="var(--info)" aria-label="Note" role="img" />
              )}
              <div>
                <div>{finding.message}</div>
                <div className={classes.remedy}>{finding.remedy}</div>
                <div className={classes.meta}>
                  {finding.file && (
                    <button
                      type="button"
                      className={classes.place}
                      onClick={() => onPlace({ path: finding.file as string, line: finding.line ?? null })}
                    >
                      {finding.file}
                      {finding.line ? `:${finding.line}` : ''}
                    </button>
                  )}
                  <CodeLink code={finding.code} topic="findings" />
                </div>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
