/** A model's name and description until it is trained; a copy of it; and its end, by typing its name. */
import { Button, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import type { Model } from '@/api/types';
import { queries } from '@/app/queryClient';
import { EditDrawer } from '@/components/EditDrawer';
import { ErrorNote } from '@/components/ErrorNote';

interface Props {
  model: Model;
  trained: boolean;
  active: boolean;
  opened: boolean;
  onClose: () => void;
}

const again = (model: Model) =>
  Promise.all([
    queries.invalidateQueries({ queryKey: ['model', model.id] }),
    queries.invalidateQueries({ queryKey: ['project', model.project_id] }),
    queries.invalidateQueries({ queryKey: ['models'] }),
  ]);

export function EditModel({ model, trained, active, opened, onClose }: Props) {
  const navigate = useNavigate();
  const path = { model_id: model.id };
  const form = useForm({ initialValues: { name: model.name, description: model.description } });
  const save = useMutation({
    mutationFn: (body: { name: string; description: string }) =>
      data(hub.PATCH('/api/v1/models/{model_id}', { params: { path }, body })),
    onSuccess: async () => {
      await again(model);
      onClose();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const remove = async () => {
    await hub.DELETE('/api/v1/models/{model_id}', { params: { path } });
    await navigate({ to: '/projects/$projectId', params: { projectId: model.project_id } });
    await again(model);
  };
  return (
    <EditDrawer
      what="model"
      name={model.name}
      opened={opened}
      onClose={onClose}
      frozen={trained ? 'It has been trained under this name, so it keeps it. A copy can have another.' : null}
      fields={
        <>
          <TextInput label="Name" maxLength={75} disabled={trained} {...form.getInputProps('name')} />
          <Textarea
            label="Description"
            autosize
            minRows={2}
            maxLength={250}
            disabled={trained}
            {...form.getInputProps('description')}
          />
        </>
      }
      save={save}
      onSave={form.onSubmit((values) => save.mutate(values))}
      loss="With its files; nobody sees its runs and results any more."
      kept={active ? 'A run of it is queued or running. Stop it first.' : null}
      remove={remove}
    >
      <Copy model={model} onClose={onClose} />
    </EditDrawer>
  );
}

function Copy({ model, onClose }: { model: Model; onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const copy = useMutation({
    mutationFn: () =>
      data(hub.POST('/api/v1/models/{model_id}/clone', { params: { path: { model_id: model.id } }, body: { name } })),
    onSuccess: async (made) => {
      await again(model);
      onClose();
      await navigate({ to: '/models/$modelId/files', params: { modelId: made.id } });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        copy.mutate();
      }}
    >
      <Stack mt={36} gap="sm">
        <Title order={3}>Copy</Title>
        <Text size="sm" c="dimmed">
          A new model in this project with the same files, and no run yet.
        </Text>
        {copy.error && <ErrorNote error={copy.error} />}
        <TextInput
          aria-label="Name of the copy"
          placeholder={`${model.name} (copy)`}
          maxLength={75}
          value={name}
          error={fieldErrors(copy.error).name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" loading={copy.isPending}>
          Copy model
        </Button>
      </Stack>
    </form>
  );
}
