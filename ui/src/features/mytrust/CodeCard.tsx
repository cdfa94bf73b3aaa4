/** A model's app as its reviewers need it: what the checks found, and what has changed since it last ran here. */
import { Anchor, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { data, hub } from '@/api/client';
import { checkQuery } from '@/api/queries';
import type { Model } from '@/api/types';
import { momentOf } from '@/app/time';
import { Card } from '@/components/Card';
import { CodeLink } from '@/components/CodeLink';
import { ErrorNote } from '@/components/ErrorNote';
import { Status } from '@/components/Status';
import classes from './MyTrust.module.css';

export function CodeCard({ model, trust }: { model: Model; trust: string }) {
  const check = useQuery(checkQuery(model.id)).data;
  const { data: changes, error } = useQuery({
    queryKey: ['model', model.id, 'changes', trust],
    queryFn: () =>
      data(
        hub.GET('/api/v1/models/{model_id}/changes', {
          params: { path: { model_id: model.id }, query: { trust } },
        }),
      ),
  });
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
      {error && <ErrorNote error={error} />}
      {changes && (
        <div className={classes.changes}>
          <Text size="sm" fw={550}>
            {changes.since === null
              ? 'It has not run at your trust yet: all of it is new.'
              : changes.files.length === 0
                ? `The same as what ran at your trust on ${momentOf(changes.since.at)}.`
                : `Changed since it ran at your trust on ${momentOf(changes.since.at)}`}
          </Text>
          {changes.files.map((file) => (
            <details key={file.path} className={classes.fold} open={changes.since !== null}>
              <summary>
                <code>{file.path}</code> {file.change}
              </summary>
              <pre className={classes.diff} tabIndex={0}>
                {file.diff.map((line, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines of a diff have no other name
                  <div key={index} data-sign={/^[+-]/.exec(line)?.[0]}>
                    {line || ' '}
                  </div>
                ))}
                {file.left_out > 0 && <div>… {file.left_out} more lines; see the file.</div>}
              </pre>
            </details>
          ))}
        </div>
      )}
    </Card>
  );
}
