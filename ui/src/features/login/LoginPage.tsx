import { Alert, Button, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { data, hub } from '@/api/client';
import { session } from '@/api/session';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';
import { LoginFrame } from './LoginFrame';

export function LoginPage() {
  const { next, ended } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const form = useForm({ mode: 'uncontrolled', initialValues: { email: '', password: '' } });
  const login = useMutation({
    mutationFn: (body: { email: string; password: string }) => data(hub.POST('/api/v1/auth/login', { body })),
    onSuccess: async (answer) => {
      session.start(answer.token);
      queries.setQueryData(['me'], answer.user);
      await navigate({ href: next ?? '/projects', replace: true });
    },
  });
  return (
    <LoginFrame>
      <form onSubmit={form.onSubmit((values) => login.mutate(values))}>
        <Stack gap="md">
          <div>
            <Title order={1}>Log in</Title>
            <Text c="dimmed" size="sm" mt={4}>
              With the account that your hub's admin made for you.
            </Text>
          </div>
          {ended && !login.error && (
            <Alert color="yellow" variant="light">
              Your session has ended. Log in again to go on where you were.
            </Alert>
          )}
          {login.error && <ErrorNote error={login.error} />}
          <TextInput
            label="E-mail"
            type="email"
            name="email"
            autoComplete="username"
            required
            withAsterisk={false}
            size="md"
            data-autofocus
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
          <Button type="submit" size="md" fullWidth loading={login.isPending}>
            Log in
          </Button>
        </Stack>
      </form>
    </LoginFrame>
  );
}
