/** By mail, so that people choose their own password; or an account at once, with a password to hand over. */
import { Button, Group, Modal, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import type { Role } from '@/api/types';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';
import { Once } from '@/components/Once';
import { RoleFields } from './RoleFields';

const EMPTY = { email: '', name: '', role: 'researcher' as Role, trusts: [] as string[] };

export function InvitePerson({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [values, setValues] = useState(EMPTY);
  const [how, setHow] = useState<'mail' | 'now'>('mail');
  const set = (part: Partial<typeof EMPTY>) => setValues((before) => ({ ...before, ...part }));
  const make = useMutation({
    mutationFn: async () => {
      if (how === 'mail') {
        await hub.POST('/api/v1/invitations', { body: values });
        return null;
      }
      return (await data(hub.POST('/api/v1/users', { body: { ...values, must_change_password: true } }))).password;
    },
    onSuccess: async (password) => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: ['users'] }),
        queries.invalidateQueries({ queryKey: ['invitations'] }),
      ]);
      if (password === null) close();
    },
  });
  const close = () => {
    setValues(EMPTY);
    make.reset();
    onClose();
  };
  const wrong = fieldErrors(make.error);
  return (
    <Modal opened={opened} onClose={close} title="Invite a person" closeButtonProps={{ 'aria-label': 'Close' }}>
      {make.data ? (
        <Stack>
          <Once title={`The first password of ${values.name}`} secret={make.data}>
            It is shown only now. The first login asks for a new one.
          </Once>
          <Group justify="flex-end">
            <Button onClick={close}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <Stack>
            {make.error && <ErrorNote error={make.error} />}
            <TextInput
              label="E-mail"
              type="email"
              required
              withAsterisk={false}
              data-autofocus
              value={values.email}
              error={wrong.email}
              onChange={(event) => set({ email: event.currentTarget.value })}
            />
            <TextInput
              label="Name"
              required
              withAsterisk={false}
              maxLength={100}
              value={values.name}
              error={wrong.name}
              onChange={(event) => set({ name: event.currentTarget.value })}
            />
            <RoleFields role={values.role} trusts={values.trusts} onChange={set} />
            <SegmentedControl
              aria-label="How"
              value={how}
              onChange={(value) => setHow(value as 'mail' | 'now')}
              data={[
                { value: 'mail', label: 'By mail' },
                { value: 'now', label: 'Password to hand over' },
              ]}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={make.isPending}>
                {how === 'mail' ? 'Send the invitation' : 'Make the account'}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
