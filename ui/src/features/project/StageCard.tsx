/** Choose who is asked. Why a trust cannot be chosen is said beside its switch. */
import { Button, Group, Switch, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { useLive } from '@/api/live';
import { cohortQuery, trustsQuery } from '@/api/queries';
import type { CohortAnswer, Project } from '@/api/types';
import { queries } from '@/app/queryClient';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import { TrustName } from '@/components/TrustName';
import classes from './ProjectPage.module.css';

/** Null if this trust can be asked to approve; otherwise why not. */
export function whyNot(answer: CohortAnswer | undefined): string | null {
  if (!answer) return 'It was not asked the cohort query.';
  switch (answer.state) {
    case 'answered':
      return null;
    case 'suppressed':
      return 'Fewer persons than it tells, or none.';
    case 'queued':
    case 'running':
      return 'It has not answered yet.';
    case 'offline':
      return 'It is offline; its answer comes when it is back.';
    default:
      return answer.error?.message ?? 'It could not answer.';
  }
}

export function StageCard({ project }: { project: Project }) {
  const query = useQuery({ ...cohortQuery(project.query_id ?? ''), enabled: project.query_id !== null }).data;
  const trusts = useQuery(trustsQuery()).data;
  useLive(project.query_id ? [`query:${project.query_id}`] : []);
  const [off, setOff] = useState<Set<string>>(new Set());
  const answers = new Map(query?.answers.map((answer) => [answer.trust, answer]));
  const rows = (trusts ?? []).map(({ name }) => ({
    name,
    answer: answers.get(name),
    reason: whyNot(answers.get(name)),
  }));
  const chosen = rows.filter((row) => !row.reason && !off.has(row.name)).map((row) => row.name);
  const stage = useMutation({
    mutationFn: () =>
      data(
        hub.POST('/api/v1/projects/{project_id}/stage', {
          params: { path: { project_id: project.id } },
          body: { trusts: chosen },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['project', project.id] }),
  });
  const toggle = (name: string, on: boolean) =>
    setOff((before) => {
      const after = new Set(before);
      if (on) after.delete(name);
      else after.add(name);
      return after;
    });
  return (
    <Card
      title="Stage for approval"
      note="The chosen trusts are asked to approve exactly this query. After staging it can no longer change."
    >
      {stage.error && <ErrorNote error={stage.error} title="The project was not staged" />}
      <div className={classes.switches}>
        {rows.map(({ name, answer, reason }) => (
          <div key={name} className={classes.switchRow}>
            <Switch
              aria-label={`Ask ${name}`}
              checked={!reason && !off.has(name)}
              disabled={reason !== null}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            <div className={classes.grow}>
              <TrustName name={name} />
              {reason && <div className={classes.muted}>{reason}</div>}
            </div>
            {answer?.result && !answer.result.suppressed && (
              <Text size="sm" className="num">
                {answer.result.persons?.toLocaleString()} persons
              </Text>
            )}
          </div>
        ))}
      </div>
      <Group justify="flex-end" mt="sm">
        <Button disabled={!chosen.length} loading={stage.isPending} onClick={() => stage.mutate()}>
          Ask {chosen.length} {chosen.length === 1 ? 'trust' : 'trusts'} to approve
        </Button>
      </Group>
    </Card>
  );
}
