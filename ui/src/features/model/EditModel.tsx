/** A model's name and description until it is trained; a copy of it; and its end, by typing its name. */
import { Button, Drawer, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import type { Model } from '@/api/types';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';

interface Props {
  model: Model;
  trained: boolean;
  active: boolean;
  opened: boolean;
  onClose: () => void;
}

export function EditModel({ model, trained, active, opened, onClose }: Props) {
  const navigate = useNavigate();
  const path = { model_id: model.id };
  const form = useForm({ initialValues: { name: model.name, description: model.description } });
  const [typed, setTyped] = useState('');
  const [copy, setCopy] = useState('');
  const again = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ['model', model.id] }),
      queries.invalidateQueries({ queryKey: ['project', model.project_id] }),
      queries.invalidateQueries({ queryKey: ['models'] }),
    ]);
  const save = useMutation({
    mutationFn: (body: { name: string; description: string }) =>
      data(hub.PATCH('/api/v1/models/{model_id}', { params: { path }, body })),
    onSuccess: async () => {
      await again();
      onClose();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const clone = useMutation({
    mutationFn: () => data(hub.POST('/api/v1/models/{model_id}/clone', { params: { path }, body: { name: copy } })),
    onSuccess: async (made) => {
      await again();
      onClose();
      await navigate({ to: '/models/$modelId/files', params: { modelId: made.id } });
    },
  });
  const remove = useMutation({
    mutationFn: () => hub.DELETE('/api/v1/models/{model_id}', { params: { path } }),
    onSuccess: async () => {
      await navigate({ to: '/projects/$projectId', params: { projectId: model.project_id } });
      await again();
    },
  });
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      title="Edit model"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          {trained && (
            <Text size="sm" c="dimmed">
              It has been trained under this name, so it keeps it. A copy can have another.
            </Text>
          )}
          {save.error && <ErrorNote error={save.error} />}
          <TextInput label="Name" maxLength={75} disabled={trained} {...form.getInputProps('name')} />
          <Textarea
            label="Description"
            autosize
            minRows={2}
            maxLength={250}
            disabled={trained}
            {...form.getInputProps('description')}
          />
          {!trained && (
            <Button type="submit" loading={save.isPending}>
              Save
            </Button>
          )}
        </Stack>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          clone.mutate();
        }}
      >
        <Stack mt={36} gap="sm">
          <Title order={3}>Copy</Title>
          <Text size="sm" c="dimmed">
            A new model in this project with the same files, and no run yet.
          </Text>
          {clone.error && <ErrorNote error={clone.error} />}
          <TextInput
            aria-label="Name of the copy"
            placeholder={`${model.name} (copy)`}
            maxLength={75}
            value={copy}
            error={fieldErrors(clone.error).name}
            onChange={(event) => setCopy(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" loading={clone.isPending}>
            Copy model
          </Button>
        </Stack>
      </form>
      <Stack mt={36} gap="sm">
        <Title order={3}>Delete</Title>
        <Text size="sm" c="dimmed">
          {active ? (
            'A run of it is queued or running. Stop it first.'
          ) : (
            <>
              With its files; nobody sees its runs and results any more. There is no way back. Type <b>{model.name}</b>{' '}
              to go on.
            </>
          )}
        </Text>
        {remove.error && <ErrorNote error={remove.error} />}
        <TextInput
          aria-label="Name of the model to delete"
          disabled={active}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button
          color="red"
          variant="light"
          disabled={active || typed !== model.name}
          loading={remove.isPending}
          onClick={() => remove.mutate()}
        >
          Delete model
        </Button>
      </Stack>
    </Drawer>
  );
}
