import { Button, PasswordInput, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { hub } from '@/api/client';
import { ErrorNote } from '@/components/ErrorNote';

/** `beside`: other things can be done on its page, so that its button is not the primary one. */
export function ChangePassword({ onDone, beside = false }: { onDone: () => void; beside?: boolean }) {
  const form = useForm({
    initialValues: { current_password: '', new_password: '', again: '' },
    validate: { again: (value, values) => (value === values.new_password ? null : 'The two are not the same.') },
  });
  const change = useMutation({
    mutationFn: ({ current_password, new_password }: { current_password: string; new_password: string }) =>
      hub.POST('/api/v1/auth/password', { body: { current_password, new_password } }),
    onSuccess: () => {
      form.reset();
      onDone();
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
      <Stack>
        {change.error && <ErrorNote error={change.error} />}
        <PasswordInput
          label="Current password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          {...form.getInputProps('current_password')}
        />
        <PasswordInput
          label="New password"
          autoComplete="new-password"
          required
          withAsterisk={false}
          {...form.getInputProps('new_password')}
        />
        <PasswordInput
          label="New password again"
          autoComplete="new-password"
          required
          withAsterisk={false}
          {...form.getInputProps('again')}
        />
        <Button type="submit" variant={beside ? 'default' : 'filled'} loading={change.isPending}>
          Change password
        </Button>
      </Stack>
    </form>
  );
}
