import { Alert, Anchor, Button, Divider, Group, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { HubError } from '@/api/errors';
import { methodsQuery, sessionQuery } from '@/api/queries';
import { session } from '@/api/session';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';
import { LoginFrame } from './LoginFrame';

/** Why a login at the organisation came back without a session: the hub sends its code in the address. */
const REFUSED: Record<string, string> = {
  oidc_no_account:
    'Your organisation knows you, this hub does not yet. Ask its admin for an invitation, or request access.',
  oidc_unavailable: 'Your organisation’s login does not answer. Try again later, and tell the hub’s admin.',
  oidc_off: 'This hub has no login at an organisation. Log in with e-mail and password.',
};
const refusal = (code: string) =>
  new HubError(401, {
    code: code in REFUSED ? code : 'oidc_failed',
    message: REFUSED[code] ?? 'The login at your organisation did not come to an end. Start it again.',
  });

const asksCode = (error: unknown) => error instanceof HubError && error.code === 'totp_required';

export function LoginPage() {
  const { next, ended, error } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const methods = useQuery(methodsQuery()).data;
  const [withCode, setWithCode] = useState(false);
  const form = useForm({ mode: 'uncontrolled', initialValues: { email: '', password: '', code: '' } });
  const login = useMutation({
    mutationFn: (body: { email: string; password: string; code: string }) =>
      data(hub.POST('/api/v1/auth/login', { body: { ...body, cookie: true } })),
    onSuccess: async (answer) => {
      session.remember(answer.csrf_token);
      await queries.fetchQuery({ ...sessionQuery(), staleTime: 0 });
      await navigate({
        href: answer.next ? `/welcome?next=${encodeURIComponent(next ?? '/projects')}` : (next ?? '/projects'),
        replace: true,
      });
    },
    onError: (error) => setWithCode((before) => before || asksCode(error)),
  });
  return (
    <LoginFrame>
      <form onSubmit={form.onSubmit((values) => login.mutate(values))}>
        <Stack gap="md">
          <div>
            <Title order={1}>Log in</Title>
            <Text c="dimmed" size="sm" mt={4}>
              {withCode
                ? 'Your account asks for a second factor.'
                : 'With the account that your hub’s admin made for you.'}
            </Text>
          </div>
          {ended && !login.error && (
            <Alert color="yellow" variant="light">
              Your session has ended. Log in again to go on where you were.
            </Alert>
          )}
          {error && !login.error && <ErrorNote error={refusal(error)} />}
          {login.error && !asksCode(login.error) && <ErrorNote error={login.error} />}
          <TextInput
            label="E-mail"
            type="email"
            name="email"
            autoComplete="username"
            required
            withAsterisk={false}
            size="md"
            key={form.key('email')}
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label="Password"
            name="password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            size="md"
            key={form.key('password')}
            {...form.getInputProps('password')}
          />
          {withCode && (
            <TextInput
              label="Code"
              description="Six digits of your authenticator app, or a recovery code"
              name="code"
              autoComplete="one-time-code"
              required
              withAsterisk={false}
              autoFocus
              size="md"
              key={form.key('code')}
              {...form.getInputProps('code')}
            />
          )}
          <Button type="submit" size="md" fullWidth loading={login.isPending}>
            Log in
          </Button>
          {methods?.oidc && (
            <>
              <Divider label="or" />
              <Button
                component="a"
                href={`${methods.oidc.start}?next=${encodeURIComponent(next ?? '/projects')}`}
                variant="default"
                size="md"
                fullWidth
              >
                Log in with {methods.oidc.name}
              </Button>
            </>
          )}
          <Group justify="space-between">
            <Anchor component={Link} to="/forgot-password" size="sm">
              Forgotten password
            </Anchor>
            {methods?.access_requests && (
              <Anchor component={Link} to="/request-access" size="sm">
                Request access
              </Anchor>
            )}
          </Group>
        </Stack>
      </form>
    </LoginFrame>
  );
}
