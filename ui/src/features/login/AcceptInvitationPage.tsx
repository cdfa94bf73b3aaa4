import { Alert, Anchor, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { hub } from '@/api/client';
import { LoginFrame } from './LoginFrame';
import { NewPassword } from './NewPassword';

export function AcceptInvitationPage() {
  const [done, setDone] = useState(false);
  return (
    <LoginFrame>
      <Stack>
        <div>
          <Title order={1}>Your account</Title>
          {!done && (
            <Text size="sm" c="dimmed" mt={4}>
              You are invited. Choose a password, then log in with your e-mail.
            </Text>
          )}
        </div>
        {done ? (
          <Alert color="petrol" variant="light">
            Your account is made.
          </Alert>
        ) : (
          <NewPassword
            act="Make my account"
            send={(code, password) =>
              hub.POST('/api/v1/auth/invitations/accept', { body: { code, password, name: '' } })
            }
            onDone={() => setDone(true)}
          />
        )}
        <Anchor component={Link} to="/login" size="sm">
          To the login
        </Anchor>
      </Stack>
    </LoginFrame>
  );
}
