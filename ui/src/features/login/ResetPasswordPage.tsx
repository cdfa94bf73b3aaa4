import { Alert, Anchor, Stack, Text, Title } from '@mantine/core';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { hub } from '@/api/client';
import { LoginFrame } from './LoginFrame';
import { NewPassword } from './NewPassword';

export function ResetPasswordPage() {
  const { asked } = useSearch({ from: '/reset-password' });
  const [done, setDone] = useState(false);
  return (
    <LoginFrame>
      <Stack>
        <Title order={1}>New password</Title>
        {done ? (
          <Alert color="petrol" variant="light">
            Your new password is set, and every other login has ended.
          </Alert>
        ) : (
          <>
            {asked && <Text size="sm">If there is an account with this e-mail, a code is on its way to it.</Text>}
            <NewPassword
              act="Set the password"
              send={(code, password) =>
                hub.POST('/api/v1/auth/password-reset/confirm', { body: { code, new_password: password } })
              }
              onDone={() => setDone(true)}
            />
          </>
        )}
        <Anchor component={Link} to="/login" size="sm">
          To the login
        </Anchor>
      </Stack>
    </LoginFrame>
  );
}
