/** The hospital's answer as it stands, and where to give or change it. */
import { Stack, Text } from '@mantine/core';
import type { ProjectTrust } from '@/api/types';
import { dayOf } from '@/app/time';
import { Ago } from '@/components/Ago';
import { Card } from '@/components/Card';
import { Term } from '@/components/Term';

export function AnswerCard({ asked }: { asked: ProjectTrust }) {
  const { decision, decided_at, decided_by, expires_at, conditions } = asked;
  const word = { APPROVED: 'Approved', DECLINED: 'Declined', WITHDRAWN: 'Withdrawn' }[decision];
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
        {decided_at && word && (
          <Text size="sm">
            {word} <Ago at={decided_at} />
            {decided_by && ` by ${decided_by}`}
            {expires_at && `, until ${dayOf(expires_at)}`}.
          </Text>
        )}
        {conditions && <Text size="sm">Conditions: {conditions}</Text>}
        <Text size="sm" component="div">
          Decide at the hospital, on the trust’s own page or with <code>flip-trust approve</code>, <code>decline</code>{' '}
          or <code>withdraw</code>.
        </Text>
      </Stack>
    </Card>
  );
}
