import { Alert, Button, SimpleGrid, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { sessionQuery } from '@/api/queries';
import { Card } from '@/components/Card';
import { PageHead } from '@/components/PageHead';
import { Status } from '@/components/Status';
import { ChangePassword } from './ChangePassword';
import { SetUpTotp } from './SetUpTotp';

export function AccountPage() {
  const found = useQuery(sessionQuery()).data;
  const [setting, setSetting] = useState(false);
  const [changed, setChanged] = useState(false);
  if (!found) return null;
  return (
    <>
      <PageHead title="Account" note={`${found.user.name}, ${found.user.email}`} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Card
          title="Second factor"
          aside={
            <Status state={found.has_totp ? 'answered' : 'idle'} word={found.has_totp ? 'In use' : 'Not set up'} />
          }
        >
          {setting ? (
            <SetUpTotp hasOne={found.has_totp} />
          ) : (
            <>
              <Text size="sm" mb="md">
                {found.has_totp
                  ? `Your login asks for a code. ${found.recovery_codes_left} recovery codes are left.`
                  : 'With an authenticator app, a stolen password alone opens nothing.'}
              </Text>
              <Button variant="default" onClick={() => setSetting(true)}>
                {found.has_totp ? 'Use another authenticator' : 'Set up an authenticator'}
              </Button>
            </>
          )}
        </Card>
        {found.has_password && (
          <Card title="Password" note="Every other login of yours ends with a change.">
            {changed && (
              <Alert color="petrol" variant="light" mb="md">
                Your password is changed.
              </Alert>
            )}
            <ChangePassword onDone={() => setChanged(true)} />
          </Card>
        )}
      </SimpleGrid>
    </>
  );
}
