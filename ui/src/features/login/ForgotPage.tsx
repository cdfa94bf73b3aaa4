import { Anchor, Button, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { hub } from '@/api/client';
import { ErrorNote } from '@/components/ErrorNote';
import { LoginFrame } from './LoginFrame';

/** Ask for a code by mail; the mail's link goes on at `/reset-password`. */
export function ForgotPage() {
  const navigate = useNavigate();
  const [email, setEmail] = useState('');
  const ask = useMutation({
    mutationFn: () => hub.POST('/api/v1/auth/password-reset', { body: { email } }),
    onSuccess: () => navigate({ to: '/reset-password', search: { asked: true } }),
  });
  return (
    <LoginFrame>
      <Stack>
        <div>
          <Title order={1}>Forgotten password</Title>
          <Text size="sm" c="dimmed" mt={4}>
            A code to choose a new one comes by mail.
          </Text>
        </div>
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
        <Anchor component={Link} to="/login" size="sm">
          Back to login
        </Anchor>
      </Stack>
    </LoginFrame>
  );
}
