/** An authenticator app by QR code; nothing changes until its first code was checked. Then the recovery codes, once. */
import { Button, Code, CopyButton, PinInput, SimpleGrid, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { toString as qrCode } from 'qrcode';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { sessionQuery } from '@/api/queries';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';
import classes from './SetUpTotp.module.css';

export function SetUpTotp({ hasOne, onCodes }: { hasOne: boolean; onCodes?: () => void }) {
  const enrolment = useQuery({
    queryKey: ['totp'],
    queryFn: async () => {
      const made = await data(hub.POST('/api/v1/auth/totp'));
      return { ...made, svg: await qrCode(made.otpauth_uri, { type: 'svg', margin: 0 }) };
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const [code, setCode] = useState('');
  const [current, setCurrent] = useState('');
  const confirm = useMutation({
    mutationFn: () =>
      data(
        hub.POST('/api/v1/auth/totp/confirm', {
          body: { code, current_code: current, enrolment: enrolment.data?.enrolment ?? '' },
        }),
      ),
    onSuccess: async () => {
      onCodes?.();
      if (!onCodes) await queries.invalidateQueries({ queryKey: sessionQuery().queryKey });
    },
  });
  if (confirm.data) return <RecoveryCodes codes={confirm.data.recovery_codes} />;
  if (enrolment.error) return <ErrorNote error={enrolment.error} retry={enrolment.refetch} />;
  if (!enrolment.data) return <Skeleton height={260} />;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate();
      }}
    >
      <Stack>
        <Text size="sm">Scan this with an authenticator app, then type the six digits that it shows.</Text>
        <div className={classes.row}>
          <img
            className={classes.qr}
            alt="QR code for your authenticator app"
            src={`data:image/svg+xml,${encodeURIComponent(enrolment.data.svg)}`}
          />
          <div>
            <Text size="xs" c="dimmed">
              No camera? Type this key:
            </Text>
            <Code className={classes.key}>{enrolment.data.secret.replace(/(.{4})/g, '$1 ').trim()}</Code>
          </div>
        </div>
        {confirm.error && <ErrorNote error={confirm.error} />}
        {hasOne && (
          <TextInput
            label="Code of the present authenticator, or a recovery code"
            required
            withAsterisk={false}
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
        )}
        <PinInput
          length={6}
          type="number"
          oneTimeCode
          aria-label="Code"
          getInputProps={(index) => ({ 'aria-label': `Digit ${index + 1}` })}
          value={code}
          onChange={setCode}
        />
        <Button type="submit" disabled={code.length !== 6} loading={confirm.isPending}>
          Check and use it
        </Button>
      </Stack>
    </form>
  );
}

export function RecoveryCodes({ codes }: { codes: string[] }) {
  return (
    <Stack>
      <Text size="sm">
        Your authenticator is in use. Each of these codes logs you in once if you lose it. They are shown{' '}
        <b>only now</b>.
      </Text>
      <SimpleGrid cols={2} spacing={6}>
        {codes.map((code) => (
          <Code key={code}>{code}</Code>
        ))}
      </SimpleGrid>
      <CopyButton value={codes.join('\n')}>
        {({ copied, copy }) => (
          <Button variant="default" onClick={copy}>
            {copied ? 'Copied' : 'Copy all'}
          </Button>
        )}
      </CopyButton>
    </Stack>
  );
}
