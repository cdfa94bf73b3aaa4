/** What a fresh login has to do before it opens anything else: a new password, an authenticator. */
import { Button, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { sessionQuery } from '@/api/queries';
import { queries } from '@/app/queryClient';
import { ChangePassword } from '@/features/account/ChangePassword';
import { SetUpTotp } from '@/features/account/SetUpTotp';
import { LoginFrame } from './LoginFrame';

export function WelcomePage() {
  const { next } = useSearch({ from: '/welcome' });
  const navigate = useNavigate();
  const { data: found, error } = useQuery(sessionQuery());
  const [step, setStep] = useState<'change_password' | 'enrol_totp' | null>(null);
  const [done, setDone] = useState(false);
  if (error) return <Navigate to="/login" />;
  const now = step ?? found?.next ?? null;
  const goOn = async () => {
    const fresh = await queries.fetchQuery({ ...sessionQuery(), staleTime: 0 });
    setStep(fresh.next);
    if (!fresh.next) await navigate({ href: next ?? '/projects', replace: true });
  };
  return (
    <LoginFrame>
      <Stack>
        {!found && <Skeleton height={200} />}
        {now === 'change_password' && (
          <>
            <Title order={1}>Choose your password</Title>
            <Text size="sm" c="dimmed">
              The one that you were given works this once.
            </Text>
            <ChangePassword onDone={() => void goOn()} />
          </>
        )}
        {now === 'enrol_totp' && (
          <>
            <Title order={1}>Set up your second factor</Title>
            <SetUpTotp
              hasOne={false}
              onCodes={() => {
                setStep('enrol_totp');
                setDone(true);
              }}
            />
            {done && <Button onClick={() => void goOn()}>I have kept the codes</Button>}
          </>
        )}
        {found && now === null && <Button onClick={() => void goOn()}>Go on</Button>}
      </Stack>
    </LoginFrame>
  );
}
