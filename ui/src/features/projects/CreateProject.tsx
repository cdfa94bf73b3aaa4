import { Button, Group, Modal, Radio, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import { queries } from '@/app/queryClient';
import { ErrorNote } from '@/components/ErrorNote';
import { faultOf, type RuleValues, ruleOf, valuesOf } from '../series/rule';

// Number and tag inputs are a tenth of a first load, and most projects take every series.
const SeriesFields = lazy(async () => ({ default: (await import('../series/SeriesFields')).SeriesFields }));

interface Values {
  name: string;
  purpose: string;
  kind: 'imaging' | 'tabular';
  series: RuleValues;
}

export function CreateProject({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const form = useForm<Values>({
    initialValues: { name: '', purpose: '', kind: 'imaging', series: valuesOf(null) },
    validate: {
      series: (value, { kind }) => (kind === 'imaging' ? faultOf(value) : null),
      name: (value) =>
        !value.trim()
          ? 'Give it a name.'
          : /[<>&]/.test(value)
            ? 'Leave out < > and &.'
            : value.length > 75
              ? 'At most 75 characters.'
              : null,
      purpose: (value) => (!value.trim() ? 'Say what it is for. Trusts read this before they decide.' : null),
    },
  });
  const create = useMutation({
    mutationFn: ({ series, ...body }: Values) =>
      data(
        hub.POST('/api/v1/projects', {
          body: { ...body, dicom_to_nifti: true, series_rule: body.kind === 'imaging' ? ruleOf(series) : null },
        }),
      ),
    onSuccess: async (project) => {
      await queries.invalidateQueries({ queryKey: ['projects'] });
      form.reset();
      await navigate({ to: '/projects/$projectId/cohort', params: { projectId: project.id } });
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  return (
    <Modal opened={opened} onClose={onClose} title="New project" size="md" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
        <Stack>
          {create.error && <ErrorNote error={create.error} />}
          <TextInput label="Name" maxLength={75} data-autofocus {...form.getInputProps('name')} />
          <Textarea
            label="Purpose"
            description="What you want to learn, and why these patients. The trusts' staff read it before they decide."
            autosize
            minRows={3}
            maxLength={2000}
            {...form.getInputProps('purpose')}
          />
          <Radio.Group label="Type" {...form.getInputProps('kind')}>
            <Stack gap={8} mt={6}>
              <Radio
                value="imaging"
                label="Imaging"
                description="Trusts fetch, de-identify and convert the cohort's studies."
              />
              <Radio value="tabular" label="Tabular" description="Only the columns of the cohort query; no images." />
            </Stack>
          </Radio.Group>
          {form.values.kind === 'imaging' && (
            <Suspense fallback={<Text>Image series</Text>}>
              <SeriesFields values={form.values.series} onChange={(series) => form.setFieldValue('series', series)} />
            </Suspense>
          )}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create project
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
