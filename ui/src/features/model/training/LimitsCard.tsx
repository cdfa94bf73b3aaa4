import { NumberInput, Select } from '@mantine/core';
import { Card } from '@/components/Card';
import { type Limits, lacksTime } from './limits';
import classes from './TrainingPanel.module.css';

interface Props {
  limits: Limits;
  chosen: number;
  onChange: (limits: Limits) => void;
}

export function LimitsCard({ limits, chosen, onChange }: Props) {
  const optional = (name: 'joinMinutes' | 'runHours' | 'silentMinutes' | 'roundMinutes') => ({
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
        <Select
          label="After a crash"
          description="Of the ServerApp, its net or a machine"
          allowDeselect={false}
          data={[
            { value: 'resume', label: 'Go on from the last round' },
            { value: 'restart', label: 'Start again' },
            { value: 'fail', label: 'Fail' },
          ]}
          value={limits.onCrash}
          onChange={(value) => value && onChange({ ...limits, onCrash: value as Limits['onCrash'] })}
        />
        <Select
          label="A trust is lost or slow"
          description="What the round does"
          allowDeselect={false}
          data={[
            { value: 'drop', label: 'Goes on without it' },
            { value: 'wait', label: 'Waits for it' },
            { value: 'minimum', label: 'Ends with those needed' },
          ]}
          value={limits.onSlowTrust}
          onChange={(value) => value && onChange({ ...limits, onSlowTrust: value as Limits['onSlowTrust'] })}
        />
        {limits.onSlowTrust === 'minimum' && (
          <NumberInput
            label="Minutes of a round"
            description="Then those needed are enough"
            min={0.1}
            {...optional('roundMinutes')}
            placeholder="5"
            error={lacksTime(limits) ? 'Say how long.' : undefined}
          />
        )}
      </div>
    </Card>
  );
}
