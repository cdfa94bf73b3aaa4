/** A button whose act is asked about first: what it does is said before it is done. */
import { Button, type ButtonProps, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorNote } from './ErrorNote';

interface Props extends ButtonProps {
  /** The act, as the buttons say it. */
  act: string;
  title: string;
  what: ReactNode;
  /** Fields of the window, if the act needs some. */
  fields?: ReactNode;
  danger?: boolean;
  ready?: boolean;
  label?: string;
  run: () => Promise<unknown>;
}

export function Confirm({ act, title, what, fields, danger = true, ready = true, label, run, ...button }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  const doing = useMutation({ mutationFn: run, onSuccess: close });
  return (
    <>
      <Button variant="default" aria-label={label} {...button} onClick={open}>
        {act}
      </Button>
      <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            doing.mutate();
          }}
        >
          <Stack>
            <Text size="sm" component="div">
              {what}
            </Text>
            {fields}
            {doing.error && <ErrorNote error={doing.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close} data-autofocus={fields ? undefined : true}>
                Cancel
              </Button>
              <Button type="submit" color={danger ? 'red.9' : undefined} loading={doing.isPending} disabled={!ready}>
                {act}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
