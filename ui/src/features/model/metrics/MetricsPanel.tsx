import { Button, Group, Menu, SegmentedControl, Skeleton, Slider, Text } from '@mantine/core';
import { IconChartLine, IconDownload } from '@tabler/icons-react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useDeferredValue, useState } from 'react';
import { Card } from '@/components/Card';
import { EmptyNote } from '@/components/EmptyNote';
import { ErrorNote } from '@/components/ErrorNote';
import { RunPicker } from '../RunPicker';
import { isActive, useModel } from '../useModel';
import { MetricCard } from './MetricCard';
import classes from './MetricsPanel.module.css';
import { useFeed } from './useFeed';

const EXPORTS = [
  { format: 'csv', name: 'CSV' },
  { format: 'parquet', name: 'Parquet' },
  { format: 'tensorboard', name: 'TensorBoard' },
];

export function MetricsPanel() {
  const { modelId, runs, newest } = useModel();
  const search = useSearch({ from: '/inside/models/$modelId/metrics' });
  const navigate = useNavigate();
  const run = runs?.find((one) => one.id === search.run) ?? newest;
  const other = runs?.find((one) => one.id === search.with && one.id !== run?.id);
  const { feed, shapes, pending, error, again } = useFeed(run?.id, other?.id);
  const [smoothing, setSmoothing] = useState(0);
  const smooth = useDeferredValue(smoothing);
  const [scale, setScale] = useState<'linear' | 'log'>('linear');
  const go = (part: { run?: string; with?: string }) =>
    void navigate({
      to: '/models/$modelId/metrics',
      params: { modelId },
      search: { ...search, ...part },
      replace: true,
    });

  if (!runs || (run && pending)) {
    return (
      <div className={classes.grid} aria-busy="true">
        {['a', 'b', 'c'].map((key) => (
          <Skeleton key={key} height={330} radius="lg" />
        ))}
      </div>
    );
  }
  if (error) return <ErrorNote error={error} retry={again} />;
  if (!run || shapes.length === 0) {
    return (
      <Card>
        <EmptyNote
          icon={<IconChartLine size={24} />}
          title={isActive(run) ? 'No value yet' : 'No metric'}
          action={
            !run && (
              <Button component={Link} to={`/models/${modelId}/training`}>
                To Training
              </Button>
            )
          }
        >
          Each <code>flip.send_metrics(…, label, value, round)</code> draws a point here within a second, one line per
          trust.
        </EmptyNote>
      </Card>
    );
  }
  return (
    <>
      <div className={classes.bar}>
        <RunPicker label="Run" runs={runs} value={run.id} onChange={(id) => go({ run: id ?? undefined })} />
        {runs.length > 1 && (
          <RunPicker
            label="Compare with"
            placeholder="Compare with …"
            clearable
            runs={runs.filter((one) => one.id !== run.id)}
            value={other?.id ?? null}
            onChange={(id) => go({ with: id ?? undefined })}
          />
        )}
        <SegmentedControl
          size="xs"
          aria-label="Scale"
          value={scale}
          onChange={(value) => setScale(value as 'linear' | 'log')}
          data={[
            { value: 'linear', label: 'Linear' },
            { value: 'log', label: 'Log' },
          ]}
        />
        <Group gap={10} wrap="nowrap">
          <Text size="xs" c="dimmed" id="smoothing">
            Smoothing
          </Text>
          <Slider
            w={120}
            size="sm"
            min={0}
            max={0.95}
            step={0.05}
            value={smoothing}
            onChange={setSmoothing}
            label={(value) => value.toFixed(2)}
            thumbLabel="Smoothing"
          />
        </Group>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button size="xs" variant="default" leftSection={<IconDownload size={15} />} ml="auto">
              All points
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {EXPORTS.map(({ format, name }) => (
              <Menu.Item
                key={format}
                component="a"
                href={`/api/v1/runs/${run.id}/metrics/export?format=${format}`}
                download
              >
                {name}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </div>
      <div className={classes.grid}>
        {shapes.map((shape) => (
          <MetricCard key={shape.key} feed={feed} shape={shape} smoothing={smooth} log={scale === 'log'} />
        ))}
      </div>
      <Text size="xs" c="dimmed" mt="sm">
        Drag over a chart to zoom in, double-click for the whole range. The band is the range over the trusts, the
        dashed line their mean.
      </Text>
    </>
  );
}
