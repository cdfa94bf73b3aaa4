/** The drawer in which something is changed, and at its foot deleted by typing its name. */
import { Button, Drawer, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEventHandler, type ReactNode, useState } from 'react';
import { ErrorNote } from './ErrorNote';

interface Props {
  what: 'model' | 'project';
  name: string;
  opened: boolean;
  onClose: () => void;
  /** Why it can no longer be changed. */
  frozen: string | null;
  fields: ReactNode;
  save: { error: unknown; isPending: boolean };
  onSave: FormEventHandler<HTMLFormElement>;
  /** What else can be done with it, in between. */
  children?: ReactNode;
  /** What is lost with it. */
  loss: string;
  /** Why it cannot be deleted now. */
  kept?: string | null;
  remove: () => Promise<unknown>;
}

export function EditDrawer(props: Props) {
  const { what, opened, onClose, frozen, fields, save, onSave, children } = props;
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      title={`Edit ${what}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={onSave}>
        <Stack>
          {frozen && (
            <Text size="sm" c="dimmed">
              {frozen}
            </Text>
          )}
          {save.error != null && <ErrorNote error={save.error} />}
          {fields}
          {!frozen && (
            <Button type="submit" loading={save.isPending}>
              Save
            </Button>
          )}
        </Stack>
      </form>
      {children}
      <Delete {...props} />
    </Drawer>
  );
}

function Delete({ what, name, loss, kept, remove }: Props) {
  const [typed, setTyped] = useState('');
  const removal = useMutation({ mutationFn: remove });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!kept && typed === name) removal.mutate();
      }}
    >
      <Stack mt={36} gap="sm">
        <Title order={3}>Delete</Title>
        <Text size="sm" c="dimmed">
          {kept ?? (
            <>
              {loss} There is no way back. Type <b>{name}</b> to go on.
            </>
          )}
        </Text>
        {removal.error && <ErrorNote error={removal.error} />}
        <TextInput
          aria-label={`Name of the ${what} to delete`}
          disabled={Boolean(kept)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button
          type="submit"
          color="red"
          variant="light"
          disabled={Boolean(kept) || typed !== name}
          loading={removal.isPending}
        >
          Delete {what}
        </Button>
      </Stack>
    </form>
  );
}
