import { Select } from '@mantine/core';
import type { Run } from '@/api/types';
import { momentOf } from '@/app/time';
import { wordOf } from '@/components/Status';
import { runName } from './useModel';

interface Props {
  runs: Run[];
  value: string | null;
  onChange: (id: string | null) => void;
  label: string;
  placeholder?: string;
  clearable?: boolean;
}

export function RunPicker({ runs, value, onChange, label, placeholder, clearable }: Props) {
  return (
    <Select
      aria-label={label}
      placeholder={placeholder}
      clearable={clearable}
      size="xs"
      w={280}
      allowDeselect={false}
      value={value}
      onChange={onChange}
      data={runs.map((run) => ({
        value: run.id,
        label: `${runName(runs, run.id)} · ${wordOf(run.state)} · ${momentOf(run.created_at)}`,
      }))}
    />
  );
}
