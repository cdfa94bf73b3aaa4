import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';

export function CreateModel({
  projectId,
  opened,
  onClose,
}: {
  projectId: string;
  opened: boolean;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const form = useForm({
    initialValues: { name: '', description: '' },
    validate: {
      name: (value) => (!value.trim() ? 'Give it a name.' : /[<>&]/.test(value) ? 'Leave out < > and &.' : null),
    },
  });
  const create = useMutation({
    mutationFn: (body: { name: string; description: string }) =>
      data(hub.POST('/api/v1/projects/{project_id}/models', { params: { path: { project_id: projectId } }, body })),
    onSuccess: async (model) => {
      form.reset();
      await queries.invalidateQueries({ queryKey: ['project', projectId] });
      await navigate({ to: '/models/$modelId/files', params: { modelId: model.id } });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened={opened} onClose={onClose} title="New model" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
        <Stack>
          {create.error && <ErrorNote error={create.error} />}
          <TextInput label="Name" maxLength={75} data-autofocus {...form.getInputProps('name')} />
          <Textarea
            label="Description"
            description="Optional"
            maxLength={250}
            autosize
            minRows={2}
            {...form.getInputProps('description')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create model
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
