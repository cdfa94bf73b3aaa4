import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconDownload, IconZoomReset } from '@tabler/icons-react';
import { memo, useRef } from 'react';
import { useTrustLook } from '@/components/trusts';
import type { Feed, Shape } from './feed';
import classes from './MetricsPanel.module.css';
import { Plot, type PlotHandle } from './Plot';
import { asCsv, asPng, asSvg, save } from './save';
import { Values, type ValuesHandle } from './Values';

interface Props {
  feed: Feed;
  shape: Shape;
  smoothing: number;
  log: boolean;
}

export const MetricCard = memo(function MetricCard({ feed, shape, smoothing, log }: Props) {
  const look = useTrustLook();
  const plot = useRef<PlotHandle>(null);
  const values = useRef<ValuesHandle>(null);
  const file = (ending: string) => `${shape.label}.${ending}`;
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
  const points = (write: (chart: NonNullable<ReturnType<Feed['get']>>) => Blob, ending: string) => {
    const chart = feed.get(shape.key);
    if (chart) save(file(ending), write(chart));
  };
  return (
    <figure className={classes.card} data-testid="chart" data-label={shape.label}>
      <figcaption className={classes.head}>
        <div>
          <b>{shape.label}</b>
          <span> by {shape.xLabel}</span>
        </div>
        <div className={classes.tools}>
          <Tooltip label="Whole range">
            <ActionIcon aria-label={`Whole range of ${shape.label}`} size="sm" onClick={() => plot.current?.reset()}>
              <IconZoomReset size={16} stroke={1.6} />
            </ActionIcon>
          </Tooltip>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label={`Download ${shape.label}`} size="sm">
                <IconDownload size={16} stroke={1.6} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => void png()}>Picture (PNG)</Menu.Item>
              <Menu.Item onClick={() => points((chart) => asSvg(chart, smoothing, colourOf), 'svg')}>
                Drawing (SVG)
              </Menu.Item>
              <Menu.Item onClick={() => points(asCsv, 'csv')}>Points (CSV)</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </figcaption>
      <Plot
        feed={feed}
        shape={shape}
        smoothing={smoothing}
        log={log}
        look={look}
        onCursor={(at) => values.current?.show(at)}
        handle={plot}
      />
      <Values feed={feed} shape={shape} look={look} handle={values} />
    </figure>
  );
});
