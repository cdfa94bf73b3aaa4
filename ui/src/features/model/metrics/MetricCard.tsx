import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconDownload, IconZoomReset } from '@tabler/icons-react';
import { memo, useRef, useState } from 'react';
import { useTrustLook } from '@/components/trusts';
import type { Chart } from './charts';
import classes from './MetricsPanel.module.css';
import { Plot, type PlotHandle } from './Plot';
import { asCsv, asPng, asSvg, save } from './save';

interface Props {
  chart: Chart;
  smoothing: number;
  log: boolean;
}
type Cursor = { x: number; lines: (number | null)[]; mean: number | null };

export const MetricCard = memo(function MetricCard({ chart, smoothing, log }: Props) {
  const look = useTrustLook();
  const plot = useRef<PlotHandle>(null);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const file = (ending: string) => `${chart.label}.${ending}`;
  const png = async () => {
    const canvas = plot.current?.canvas();
    const ground = getComputedStyle(document.documentElement).getPropertyValue('--surface');
    const blob = canvas && (await asPng(canvas, ground));
    if (blob) save(file('png'), blob);
  };
  const colourOf = (trust: string | null) =>
    trust
      ? getComputedStyle(document.documentElement).getPropertyValue(look(trust).colour.slice(4, -1)).trim()
      : '#222';
  const last = chart.lines.map((line) => line.points.at(-1)?.[1] ?? null);
  const values = cursor?.lines ?? last;
  return (
    <figure className={classes.card} data-testid="chart" data-label={chart.label}>
      <figcaption className={classes.head}>
        <div>
          <b>{chart.label}</b>
          <span className="num">{cursor ? ` ${chart.xLabel} ${cursor.x}` : ` by ${chart.xLabel}`}</span>
        </div>
        <div className={classes.tools}>
          <Tooltip label="Whole range">
            <ActionIcon aria-label={`Whole range of ${chart.label}`} size="sm" onClick={() => plot.current?.reset()}>
              <IconZoomReset size={16} stroke={1.6} />
            </ActionIcon>
          </Tooltip>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label={`Download ${chart.label}`} size="sm">
                <IconDownload size={16} stroke={1.6} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => void png()}>Picture (PNG)</Menu.Item>
              <Menu.Item onClick={() => save(file('svg'), asSvg(chart, smoothing, colourOf))}>Drawing (SVG)</Menu.Item>
              <Menu.Item onClick={() => save(file('csv'), asCsv(chart))}>Points (CSV)</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </figcaption>
      <Plot chart={chart} smoothing={smoothing} log={log} look={look} onCursor={setCursor} handle={plot} />
      <ul className={`${classes.values} num`}>
        {chart.lines.map((line, index) => (
          <li key={line.key}>
            <i
              style={{ background: line.trust ? look(line.trust).colour : 'var(--mantine-color-text)' }}
              data-compared={line.run || undefined}
            />
            {line.trust ?? 'server'}
            {line.run > 0 && ' (compared)'} <b>{shown(values[index] ?? null)}</b>
          </li>
        ))}
        {cursor?.mean != null && (
          <li>
            <i className={classes.meanMark} />
            mean <b>{shown(cursor.mean)}</b>
          </li>
        )}
      </ul>
    </figure>
  );
});

const shown = (value: number | null) =>
  value === null
    ? '–'
    : Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)
      ? value.toExponential(2)
      : String(Number(value.toPrecision(4)));
