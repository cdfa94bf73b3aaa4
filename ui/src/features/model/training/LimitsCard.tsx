import { NumberInput } from '@mantine/core';
import { Card } from '@/components/Card';
import type { Limits } from './limits';
import classes from './TrainingPanel.module.css';

interface Props {
  limits: Limits;
  chosen: number;
  onChange: (limits: Limits) => void;
}

export function LimitsCard({ limits, chosen, onChange }: Props) {
  const optional = (name: 'joinMinutes' | 'runHours' | 'silentMinutes') => ({
    placeholder: 'the hub’s own',
    value: limits[name] ?? '',
    onChange: (value: string | number) =>
      onChange({ ...limits, [name]: typeof value === 'number' ? value : undefined }),
  });
  return (
    <Card title="Limits" note="When the run starts, and when it is ended for you. What it has so far is kept.">
      <div className={classes.fields}>
        <NumberInput
          label="Trusts needed"
          description="With fewer left, the run ends"
          min={1}
          max={Math.max(1, chosen)}
          allowDecimal={false}
          value={Math.min(limits.needed, Math.max(1, chosen))}
          onChange={(value) => typeof value === 'number' && onChange({ ...limits, needed: value })}
        />
        <NumberInput
          label="Minutes to join"
          description="How long trusts are waited for"
          min={0.1}
          {...optional('joinMinutes')}
        />
        <NumberInput
          label="Hours in all"
          description="The longest that it may take"
          min={0.02}
          {...optional('runHours')}
        />
        <NumberInput
          label="Minutes of silence"
          description="The longest without a sign of life"
          min={1}
          {...optional('silentMinutes')}
        />
      </div>
    </Card>
  );
}
