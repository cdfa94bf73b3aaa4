/** Change a project until it is staged; delete it by typing its name. */
import { Button, Drawer, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import type { Project } from '@/api/types';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';

export function EditProject({ project, opened, onClose }: { project: Project; opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const path = { project_id: project.id };
  const frozen = project.status !== 'UNSTAGED';
  const form = useForm({ initialValues: { name: project.name, purpose: project.purpose } });
  const [typed, setTyped] = useState('');
  const save = useMutation({
    mutationFn: (values: { name: string; purpose: string }) =>
      data(
        hub.PATCH('/api/v1/projects/{project_id}', {
          params: { path },
          body: { ...values, kind: project.kind as 'imaging' | 'tabular', dicom_to_nifti: project.dicom_to_nifti },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['project', project.id] });
      onClose();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const remove = useMutation({
    mutationFn: () => hub.POST('/api/v1/projects/{project_id}/delete', { params: { path }, body: { name: typed } }),
    onSuccess: async () => {
      await navigate({ to: '/projects' });
      await queries.invalidateQueries({ queryKey: ['projects'] });
    },
  });
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      title="Edit project"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          {frozen && (
            <Text size="sm" c="dimmed">
              The trusts decide about this project as it is, so it can no longer be changed.
            </Text>
          )}
          {save.error && <ErrorNote error={save.error} />}
          <TextInput label="Name" maxLength={75} disabled={frozen} {...form.getInputProps('name')} />
          <Textarea
            label="Purpose"
            autosize
            minRows={3}
            maxLength={2000}
            disabled={frozen}
            {...form.getInputProps('purpose')}
          />
          {!frozen && (
            <Button type="submit" loading={save.isPending}>
              Save
            </Button>
          )}
        </Stack>
      </form>
      <Stack mt={36} gap="sm">
        <Title order={3}>Delete</Title>
        <Text size="sm" c="dimmed">
          Running training stops, and the trusts forget the cohort. There is no way back. Type <b>{project.name}</b> to
          go on.
        </Text>
        {remove.error && <ErrorNote error={remove.error} />}
        <TextInput
          aria-label="Name of the project to delete"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button
          color="red"
          variant="light"
          disabled={typed !== project.name}
          loading={remove.isPending}
          onClick={() => remove.mutate()}
        >
          Delete project
        </Button>
      </Stack>
    </Drawer>
  );
}
