import { Alert, Button, SegmentedControl, SimpleGrid, Stack, Text, useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { sessionQuery } from '@/api/queries';
import type { Session } from '@/api/types';
import { Card } from '@/components/Card';
import { PageHead } from '@/components/PageHead';
import { Status } from '@/components/Status';
import { ChangePassword } from './ChangePassword';
import { MoreRecoveryCodes } from './MoreRecoveryCodes';
import { SetUpTotp } from './SetUpTotp';
import { TokensCard } from './TokensCard';

export function AccountPage() {
  const found = useQuery(sessionQuery()).data;
  const [changed, setChanged] = useState(false);
  if (!found) return null;
  return (
    <>
      <PageHead title="Account" note={`${found.user.name}, ${found.user.email}`} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Stack gap="md">
          <SecondFactor found={found} />
          <Appearance />
        </Stack>
        {found.has_password && (
          <Card title="Password" note="Every other login of yours ends with a change.">
            {changed && (
              <Alert color="petrol" variant="light" mb="md">
                Your password is changed.
              </Alert>
            )}
            <ChangePassword beside onDone={() => setChanged(true)} />
          </Card>
        )}
      </SimpleGrid>
      <TokensCard />
    </>
  );
}

function SecondFactor({ found }: { found: Session }) {
  const [doing, setDoing] = useState<'set-up' | 'codes' | null>(null);
  return (
    <Card
      title="Second factor"
      aside={<Status state={found.has_totp ? 'answered' : 'idle'} word={found.has_totp ? 'In use' : 'Not set up'} />}
    >
      {doing === 'set-up' ? (
        <SetUpTotp hasOne={found.has_totp} />
      ) : doing === 'codes' ? (
        <MoreRecoveryCodes />
      ) : (
        <Stack align="start">
          <Text size="sm">
            {found.has_totp
              ? `Your login asks for a code. ${found.recovery_codes_left} recovery codes are left.`
              : 'With an authenticator app, a stolen password alone opens nothing.'}
          </Text>
          <Button variant="default" onClick={() => setDoing('set-up')}>
            {found.has_totp ? 'Use another authenticator' : 'Set up an authenticator'}
          </Button>
          {found.has_totp && (
            <Button variant="default" onClick={() => setDoing('codes')}>
              New recovery codes
            </Button>
          )}
        </Stack>
      )}
    </Card>
  );
}

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Card title="Colours" note="Kept in this browser.">
      <SegmentedControl
        aria-label="Colours"
        value={colorScheme}
        onChange={(value) => setColorScheme(value as 'auto' | 'light' | 'dark')}
        data={[
          { value: 'auto', label: 'As the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
      />
    </Card>
  );
}
