import { Alert, Anchor, Button, Stack, Textarea, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import { ErrorNote } from '@/components/ErrorNote';
import { LoginFrame } from './LoginFrame';

export function RequestAccessPage() {
  const form = useForm({ initialValues: { name: '', email: '', organisation: '', reason: '' } });
  const ask = useMutation({
    mutationFn: (body: { name: string; email: string; organisation: string; reason: string }) =>
      hub.POST('/api/v1/access-requests', { body }),
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const field = (name: 'name' | 'email' | 'organisation', label: string) => (
    <TextInput
      label={label}
      type={name === 'email' ? 'email' : 'text'}
      required
      withAsterisk={false}
      {...form.getInputProps(name)}
    />
  );
  return (
    <LoginFrame>
      <Stack>
        <Title order={1}>Request access</Title>
        {ask.isSuccess ? (
          <Alert color="petrol" variant="light">
            Thank you. An admin of this hub reads it; the answer comes by e-mail.
          </Alert>
        ) : (
          <form onSubmit={form.onSubmit((values) => ask.mutate(values))}>
            <Stack>
              {ask.error && <ErrorNote error={ask.error} />}
              {field('name', 'Name')}
              {field('email', 'E-mail')}
              {field('organisation', 'Organisation')}
              <Textarea
                label="What for"
                required
                withAsterisk={false}
                autosize
                minRows={3}
                maxLength={2000}
                {...form.getInputProps('reason')}
              />
              <Button type="submit" size="md" loading={ask.isPending}>
                Send
              </Button>
            </Stack>
          </form>
        )}
        <Anchor component={Link} to="/login" size="sm">
          Back to login
        </Anchor>
      </Stack>
    </LoginFrame>
  );
}
