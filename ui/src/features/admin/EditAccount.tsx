import { Button, Drawer, Stack, Switch, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import type { Account } from '@/api/types';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';
import { RoleFields } from './RoleFields';

export function EditAccount({ account, onClose }: { account: Account; onClose: () => void }) {
  const [values, setValues] = useState({
    name: account.name,
    role: account.role,
    trusts: account.trusts,
    is_active: account.is_active,
  });
  const set = (part: Partial<typeof values>) => setValues((before) => ({ ...before, ...part }));
  const save = useMutation({
    mutationFn: () =>
      data(hub.PATCH('/api/v1/users/{user_id}', { params: { path: { user_id: account.id } }, body: values })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['users'] });
      onClose();
    },
  });
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      title={account.email}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack>
          {save.error && <ErrorNote error={save.error} />}
          <TextInput
            label="Name"
            maxLength={100}
            value={values.name}
            error={fieldErrors(save.error).name}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          <RoleFields role={values.role} trusts={values.trusts} onChange={set} />
          <Switch
            label="May log in"
            description="Off, every login and API token ends at once. Projects and their history stay."
            checked={values.is_active}
            onChange={(event) => set({ is_active: event.currentTarget.checked })}
          />
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Stack>
      </form>
    </Drawer>
  );
}
