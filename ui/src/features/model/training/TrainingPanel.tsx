import { Button, Checkbox, NumberInput, Skeleton, Switch, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconClockHour4, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { data, hub } from '@/api/client';
import { checkQuery, filesQuery, trustsQuery } from '@/api/queries';
import { queries } from '@/app/queryClient';
import { Card } from '@/components/Card';
import { ErrorNote } from '@/components/ErrorNote';
import { TrustName } from '@/components/TrustName';
import { fileText } from '../files/fileText';
import { useModel } from '../useModel';
import { type Field, fieldsOf, overrides } from './config';
import { LimitsCard } from './LimitsCard';
import { lacksTime, NO_LIMITS, optionsOf } from './limits';
import { type Item, readiness } from './readiness';
import classes from './TrainingPanel.module.css';

type Values = Record<string, string | number | boolean>;

export function TrainingPanel() {
  const { modelId, project, active, mayChange } = useModel();
  const navigate = useNavigate();
  const trusts = useQuery(trustsQuery()).data;
  const check = useQuery(checkQuery(modelId)).data;
  const files = useQuery(filesQuery(modelId)).data;
  const hasProject = files?.some((file) => file.path === 'pyproject.toml' && file.state === 'READY') ?? false;
  const pyproject = useQuery({ ...fileText(modelId, 'pyproject.toml'), enabled: hasProject }).data;
  const fields = useMemo(() => safeFields(pyproject), [pyproject]);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const [values, setValues] = useState<Values>({});
  const [limits, setLimits] = useState(NO_LIMITS);

  const approved = project?.trusts.filter((trust) => trust.valid) ?? [];
  const chosen = approved.filter((trust) => !off.has(trust.trust)).map((trust) => trust.trust);
  const items = readiness(project, check, trusts, chosen, active);
  const ready = mayChange && items.every((item) => item.state === 'ok' || item.state === 'warn');
  const changed = overrides(fields, values);
  const initiate = useMutation({
    mutationFn: () =>
      data(
        hub.POST('/api/v1/models/{model_id}/runs', {
          params: { path: { model_id: modelId } },
          body: { run_config: changed, trusts: chosen, options: optionsOf(limits, chosen.length) },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['model', modelId] });
      await navigate({ to: '/models/$modelId/live', params: { modelId } });
    },
  });
  const toggle = (name: string, on: boolean) =>
    setOff((before) => new Set(on ? [...before].filter((one) => one !== name) : [...before, name]));

  return (
    <div className={classes.layout}>
      <div className={classes.column}>
        <Card title="Trusts" note="Those whose approval is valid now. Leave one out and the run goes on without it.">
          {!project && <Skeleton height={60} />}
          <div className={classes.trusts}>
            {project?.trusts.map(({ trust, valid, decision }) => (
              <Checkbox
                key={trust}
                checked={valid && !off.has(trust)}
                disabled={!valid}
                onChange={(event) => toggle(trust, event.currentTarget.checked)}
                label={<TrustName name={trust} />}
                description={
                  valid
                    ? undefined
                    : decision === 'APPROVED'
                      ? 'Its approval has ended.'
                      : 'It has not approved this project.'
                }
              />
            ))}
          </div>
        </Card>
        <Card
          title="Run config"
          note="What the app declares in [tool.flwr.app.config]. The run keeps what you change; the files stay as they are."
        >
          {!hasProject && files && (
            <Text size="sm" c="dimmed">
              Upload pyproject.toml to see what can be set.
            </Text>
          )}
          {hasProject && pyproject === undefined && <Skeleton height={120} />}
          {pyproject !== undefined && fields.length === 0 && (
            <Text size="sm" c="dimmed">
              The app declares nothing that can be set.
            </Text>
          )}
          <div className={classes.fields}>
            {fields.map((field) => (
              <ConfigField
                key={field.key}
                field={field}
                value={values[field.key] ?? field.value}
                changed={field.key in changed}
                onChange={(value) => setValues((before) => ({ ...before, [field.key]: value }))}
              />
            ))}
          </div>
        </Card>
        <LimitsCard limits={limits} chosen={chosen.length} onChange={setLimits} />
      </div>
      <Card title="Ready?">
        <ul className={classes.checklist}>
          {items.map((item) => (
            <li key={item.name}>
              <Sign state={item.state} />
              <div>
                <b>{item.name}</b>
                <div className={classes.reason}>{item.reason}</div>
              </div>
            </li>
          ))}
        </ul>
        {initiate.error && <ErrorNote error={initiate.error} title="Training was not initiated" />}
        <Button
          fullWidth
          size="md"
          mt="md"
          leftSection={<IconPlayerPlay size={18} />}
          disabled={!ready || lacksTime(limits)}
          loading={initiate.isPending}
          onClick={() => initiate.mutate()}
        >
          Initiate Training
        </Button>
        {Object.keys(changed).length > 0 && (
          <Text size="xs" c="dimmed" mt={8}>
            With{' '}
            {Object.entries(changed)
              .map(([key, value]) => `${key} = ${value}`)
              .join(', ')}
            .
          </Text>
        )}
      </Card>
    </div>
  );
}

/** A file that is not TOML has a finding of its own. */
function safeFields(pyproject: string | undefined): Field[] {
  try {
    return pyproject ? fieldsOf(pyproject) : [];
  } catch {
    return [];
  }
}

interface FieldProps {
  field: Field;
  value: string | number | boolean;
  changed: boolean;
  onChange: (value: string | number | boolean) => void;
}

function ConfigField({ field, value, changed, onChange }: FieldProps) {
  const description = changed ? `declared: ${field.value}` : undefined;
  if (field.kind === 'boolean') {
    return (
      <Switch
        label={field.key}
        description={description}
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  if (field.kind === 'text') {
    return (
      <TextInput
        label={field.key}
        description={description}
        value={String(value)}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <NumberInput
      label={field.key}
      description={description}
      allowDecimal={field.kind === 'number'}
      value={value as number}
      step={field.kind === 'integer' ? 1 : Math.abs(Number(field.value)) / 10 || 0.1}
      onChange={(number) => typeof number === 'number' && onChange(number)}
    />
  );
}

function Sign({ state }: { state: Item['state'] }) {
  if (state === 'ok') return <IconCircleCheck size={19} color="var(--good)" aria-label="Ready" role="img" />;
  if (state === 'warn') return <IconAlertTriangle size={19} color="var(--warn)" aria-label="Note" role="img" />;
  if (state === 'no') return <IconCircleX size={19} color="var(--bad)" aria-label="Not ready" role="img" />;
  return <IconClockHour4 size={19} color="var(--muted)" aria-label="Waiting" role="img" />;
}
