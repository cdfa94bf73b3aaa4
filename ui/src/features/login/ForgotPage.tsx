import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { hub } from '@/api/client';
import { ErrorNote } from '@/components/ErrorNote';
import { LoginFrame } from './LoginFrame';

/** First a code by mail, then the new password with it. The mail's link brings the code. */
export function ForgotPage() {
  const { code: given } = useSearch({ from: '/forgot-password' });
  const [email, setEmail] = useState('');
  const [code, setCode] = useState(given ?? '');
  const [password, setPassword] = useState('');
  const ask = useMutation({ mutationFn: () => hub.POST('/api/v1/auth/password-reset', { body: { email } }) });
  const confirm = useMutation({
    mutationFn: () => hub.POST('/api/v1/auth/password-reset/confirm', { body: { code, new_password: password } }),
  });
  const second = given !== undefined || ask.isSuccess;
  return (
    <LoginFrame>
      <Stack>
        <Title order={1}>Forgotten password</Title>
        {confirm.isSuccess ? (
          <Alert color="petrol" variant="light">
            Your new password is set, and every other login has ended.
          </Alert>
        ) : second ? (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              confirm.mutate();
            }}
          >
            <Stack>
              {ask.isSuccess && (
                <Text size="sm">If there is an account with this e-mail, a code is on its way to it.</Text>
              )}
              {confirm.error && <ErrorNote error={confirm.error} />}
              <TextInput
                label="Code"
                required
                withAsterisk={false}
                size="md"
                value={code}
                onChange={(event) => setCode(event.currentTarget.value)}
              />
              <PasswordInput
                label="New password"
                autoComplete="new-password"
                required
                withAsterisk={false}
                size="md"
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
              />
              <Button type="submit" size="md" loading={confirm.isPending}>
                Set the password
              </Button>
            </Stack>
          </form>
        ) : (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              ask.mutate();
            }}
          >
            <Stack>
              {ask.error && <ErrorNote error={ask.error} />}
              <TextInput
                label="E-mail"
                type="email"
                autoComplete="username"
                required
                withAsterisk={false}
                size="md"
                value={email}
                onChange={(event) => setEmail(event.currentTarget.value)}
              />
              <Button type="submit" size="md" loading={ask.isPending}>
                Send me a code
              </Button>
            </Stack>
          </form>
        )}
        <Anchor component={Link} to="/login" size="sm">
          Back to login
        </Anchor>
      </Stack>
    </LoginFrame>
  );
}
