/** Change a project until it is staged; delete it by typing its name. */
import { Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { data, hub } from '@/api/client';
import { fieldErrors } from '@/api/errors';
import type { Project } from '@/api/types';
import { queries } from '@/app/queryClient';
import { EditDrawer } from '@/components/EditDrawer';
import { faultOf, type RuleValues, ruleOf, valuesOf } from '../series/rule';
import { SeriesFields } from '../series/SeriesFields';

interface Values {
  name: string;
  purpose: string;
  series: RuleValues;
}

export function EditProject({ project, opened, onClose }: { project: Project; opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const path = { project_id: project.id };
  const { name, purpose, dicom_to_nifti } = project;
  const kind = project.kind as 'imaging' | 'tabular';
  const frozen = project.status !== 'UNSTAGED';
  const form = useForm<Values>({
    initialValues: { name, purpose, series: valuesOf(project.series_rule) },
    validate: { series: faultOf },
  });
  const save = useMutation({
    mutationFn: ({ series, ...body }: Values) =>
      data(
        hub.PATCH('/api/v1/projects/{project_id}', {
          params: { path },
          body: { ...body, kind, dicom_to_nifti, series_rule: ruleOf(series) },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['project', project.id] });
      onClose();
    },
    onError: (error) => form.setErrors(fieldErrors(error)),
  });
  const remove = async () => {
    await hub.POST('/api/v1/projects/{project_id}/delete', { params: { path }, body: { name } });
    await navigate({ to: '/projects' });
    await queries.invalidateQueries({ queryKey: ['projects'] });
  };
  return (
    <EditDrawer
      what="project"
      name={name}
      opened={opened}
      onClose={onClose}
      frozen={frozen ? 'The trusts decide about this project as it is, so it can no longer be changed.' : null}
      fields={
        <>
          <TextInput label="Name" maxLength={75} disabled={frozen} {...form.getInputProps('name')} />
          <Textarea
            label="Purpose"
            autosize
            minRows={3}
            maxLength={2000}
            disabled={frozen}
            {...form.getInputProps('purpose')}
          />
          {kind === 'imaging' && !frozen && (
            <SeriesFields values={form.values.series} onChange={(series) => form.setFieldValue('series', series)} />
          )}
        </>
      }
      save={save}
      onSave={form.onSubmit((values) => save.mutate(values))}
      loss="Running training stops, and the trusts forget the cohort."
      remove={remove}
    />
  );
}
