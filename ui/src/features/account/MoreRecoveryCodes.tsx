import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { sessionQuery } from '@/api/queries';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';
import { RecoveryCodes } from './SetUpTotp';

export function MoreRecoveryCodes() {
  const [code, setCode] = useState('');
  const make = useMutation({
    mutationFn: () => data(hub.POST('/api/v1/auth/recovery-codes', { body: { code } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: sessionQuery().queryKey }),
  });
  if (make.data) return <RecoveryCodes codes={make.data.recovery_codes} />;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <Stack>
        <Text size="sm">Ten new codes; those that you have are void then.</Text>
        {make.error && <ErrorNote error={make.error} />}
        <TextInput
          label="Code"
          description="Six digits of your authenticator app"
          autoComplete="one-time-code"
          required
          withAsterisk={false}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" loading={make.isPending}>
          Make new codes
        </Button>
      </Stack>
    </form>
  );
}
