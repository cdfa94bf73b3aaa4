/** The hospital's answer. Where its policy lets nobody decide through the hub, this says where to decide instead. */
import { Alert, Button, Group, NumberInput, Stack, Text, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import type { Project, ProjectTrust } from '@/api/types';
import { queries } from '@/app/queryClient';
import { dayOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { CodeLink } from '@/components/CodeLink';
import { Confirm } from '@/components/Confirm';
import { ErrorNote } from '@/components/ErrorNote';
import { Term } from '@/components/Term';

type Action = 'approve' | 'decline' | 'withdraw' | 'renew';

export function AnswerCard({ project, asked }: { project: Project; asked: ProjectTrust }) {
  const [conditions, setConditions] = useState(asked.conditions);
  const [days, setDays] = useState<number | ''>('');
  const send = (action: Action) =>
    data(
      hub.POST('/api/v1/projects/{project_id}/trusts/{trust_id}/decision', {
        params: { path: { project_id: project.id, trust_id: asked.trust_id } },
        body: { action, conditions, expires_days: days === '' ? null : days },
      }),
    ).then(() => queries.invalidateQueries({ queryKey: ['project', project.id] }));
  const approve = useMutation({ mutationFn: () => send(asked.decision === 'APPROVED' ? 'renew' : 'approve') });
  const waits = asked.hub_request?.state === 'waiting';
  const approved = asked.decision === 'APPROVED';
  return (
    <Card
      title="Your answer"
      note={
        <>
          Your trust signs the <Term word="decision">decision</Term> itself; the hub only carries it.
        </>
      }
    >
      <Stack>
        {asked.decided_at && (
          <Text size="sm">
            {approved ? 'Approved' : asked.decision === 'DECLINED' ? 'Declined' : 'Withdrawn'}{' '}
            <Ago at={asked.decided_at} />
            {asked.decided_by && ` by ${asked.decided_by}`}
            {asked.expires_at && `, until ${dayOf(asked.expires_at)}`}.
          </Text>
        )}
        {waits && (
          <Alert color="petrol" variant="light" role="status">
            Your trust was asked to {asked.hub_request?.action}; its signed answer is on its way.
          </Alert>
        )}
        {asked.hub_request?.state === 'refused' && (
          <Alert color="red" variant="light" role="alert">
            Your trust did not do it: {asked.hub_request.message} <CodeLink code={asked.hub_request.code ?? ''} />
          </Alert>
        )}
        {asked.decides_here ? (
          <>
            <Textarea
              label="Conditions"
              description="The researcher and everyone who looks at the project reads them."
              autosize
              minRows={3}
              maxLength={2000}
              value={conditions}
              onChange={(event) => setConditions(event.currentTarget.value)}
            />
            <NumberInput
              label="Days until it ends"
              description="Empty: until you withdraw it, or as your trust’s policy says"
              min={1}
              max={3650}
              allowDecimal={false}
              value={days}
              onChange={(value) => setDays(typeof value === 'number' ? value : '')}
            />
            {approve.error && <ErrorNote error={approve.error} />}
            <Group>
              <Button loading={approve.isPending} disabled={waits} onClick={() => approve.mutate()}>
                {approved ? 'Renew' : 'Approve'}
              </Button>
              {asked.decision === 'PENDING' && (
                <Confirm
                  act="Decline"
                  disabled={waits}
                  title="Decline this project?"
                  what="No cohort is frozen at your trust and nothing of it runs there. You can approve later."
                  run={() => send('decline')}
                />
              )}
              {approved && (
                <Confirm
                  act="Withdraw"
                  disabled={waits}
                  title="Withdraw your approval?"
                  what="Your trust leaves every run of this project within seconds and forgets the frozen cohort. What has left cannot be taken back."
                  run={() => send('withdraw')}
                />
              )}
            </Group>
          </>
        ) : (
          <Text size="sm" component="div">
            Your trust’s policy lets nobody decide through the hub. Decide at the hospital, on the trust’s own page or
            with <code>flip-trust approve</code>.
          </Text>
        )}
      </Stack>
    </Card>
  );
}
