/** Which image series of a study are wanted: a form that stays folded until somebody wants less than all of them. */
import { Checkbox, Group, NumberInput, Select, Stack, TagsInput, Text } from '@mantine/core';
import { Term } from '@/components/Term';
import { faultOf, MODALITIES, PICKS, PLANES, type RuleValues } from './rule';
import classes from './Series.module.css';

interface Props {
  values: RuleValues;
  onChange: (values: RuleValues) => void;
}

export function SeriesFields({ values, onChange }: Props) {
  const set = (part: Partial<RuleValues>) => onChange({ ...values, ...part });
  const number = (name: 'min_thickness_mm' | 'max_thickness_mm' | 'min_slices') => ({
    value: values[name],
    onChange: (value: string | number) => set({ [name]: typeof value === 'number' ? value : '' }),
  });
  return (
    <details className={classes.fold}>
      <summary>Image series</summary>
      <Stack gap="sm" mt="xs">
        <Text size="sm" c="dimmed" component="div">
          Without a <Term word="series rule">rule</Term> a trust takes every series that can be converted. With one, it
          takes those that meet all of it.
        </Text>
        <Ticks
          label="Modality"
          all={MODALITIES}
          value={values.modalities}
          onChange={(modalities) => set({ modalities })}
        />
        <Words
          label="Description with one of"
          description="Enter ends each; * stands for any text. The descriptions themselves never leave a trust."
          value={values.description}
          onChange={(description) => set({ description })}
        />
        <Words
          label="Description with none of"
          value={values.not_description}
          onChange={(not_description) => set({ not_description })}
        />
        <Ticks label="Plane" all={PLANES} value={values.planes} onChange={(planes) => set({ planes })} />
        <Group grow align="start">
          <NumberInput label="Slices from (mm)" min={0} max={1000} decimalScale={3} {...number('min_thickness_mm')} />
          <NumberInput
            label="to (mm)"
            aria-label="Slices to (mm)"
            min={0}
            max={1000}
            decimalScale={3}
            error={faultOf(values)}
            {...number('max_thickness_mm')}
          />
          <NumberInput label="At least slices" min={1} max={100_000} allowDecimal={false} {...number('min_slices')} />
        </Group>
        <Select
          label="Of those that are left, take"
          allowDeselect={false}
          data={PICKS.map(({ value, label }) => ({ value, label }))}
          value={values.pick}
          onChange={(pick) => pick && set({ pick: pick as RuleValues['pick'] })}
        />
      </Stack>
    </details>
  );
}

interface TicksProps<T> {
  label: string;
  all: readonly T[];
  value: T[];
  onChange: (value: T[]) => void;
}

function Ticks<T extends string>({ label, all, value, onChange }: TicksProps<T>) {
  return (
    <Checkbox.Group label={label} value={value} onChange={(ticked) => onChange(ticked as T[])}>
      <Group gap="md" mt={6}>
        {all.map((one) => (
          <Checkbox key={one} value={one} label={one} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

function Words(props: { label: string; description?: string; value: string[]; onChange: (value: string[]) => void }) {
  return <TagsInput maxTags={20} splitChars={[]} maxLength={64} {...props} />;
}
