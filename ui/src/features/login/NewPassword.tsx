/** A form for a code (brought by the mail's link, after the #) and the password that it opens. */
import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ErrorNote } from '@/components/ErrorNote';

interface Props {
  act: string;
  send: (code: string, password: string) => Promise<unknown>;
  onDone: () => void;
}

/** The part after the # reaches no server and no log. */
const codeOfAddress = () => decodeURIComponent(location.hash.slice(1));

export function NewPassword({ act, send, onDone }: Props) {
  const [code, setCode] = useState(codeOfAddress);
  const [password, setPassword] = useState('');
  const confirm = useMutation({ mutationFn: () => send(code, password), onSuccess: onDone });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate();
      }}
    >
      <Stack>
        {confirm.error && <ErrorNote error={confirm.error} />}
        <TextInput
          label="Code"
          description="From the mail"
          autoComplete="off"
          required
          withAsterisk={false}
          size="md"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value.trim())}
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
          {act}
        </Button>
      </Stack>
    </form>
  );
}
