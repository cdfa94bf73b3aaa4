/** One chart: uPlot on a canvas, drawn once per change, at any number of points. */
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type Ref, type RefObject, useEffect, useImperativeHandle, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { TrustLook } from '@/components/trusts';
import { type Chart, type Table, tableOf } from './charts';
import classes from './MetricsPanel.module.css';

export interface PlotHandle {
  canvas: () => HTMLCanvasElement | null;
  reset: () => void;
}
interface Props {
  chart: Chart;
  smoothing: number;
  log: boolean;
  look: (trust: string) => TrustLook;
  /** Values at the cursor, by line; null when it left. */
  onCursor: (values: { x: number; lines: (number | null)[]; mean: number | null } | null) => void;
  handle: Ref<PlotHandle>;
}
const HEIGHT = 230;

export function Plot({ chart, smoothing, log, look, onCursor, handle }: Props) {
  const { ref: box, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const scheme = useComputedColorScheme('light');
  const visible = useVisible(place);
  const last = useRef<Table>(null);
  // What nobody sees is not counted either; it catches up when it is scrolled into view.
  const table = useMemo(() => {
    if (visible || !last.current) last.current = tableOf(chart, smoothing);
    return last.current;
  }, [chart, smoothing, visible]);
  const cursor = useRef(onCursor);
  cursor.current = onCursor;
  const shown = useRef(table);
  shown.current = table;
  const names = chart.lines.map((line) => line.key + (line.trust ? look(line.trust).colour : '')).join('\n');

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew only when its lines, scale or scheme change; data come below
  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const colour = (value: string) => style.getPropertyValue(value.slice(4, -1)).trim() || value;
    const [line, muted, text] = ['var(--line)', 'var(--muted)', 'var(--mantine-color-text)'].map(colour);
    const range = `${colour('var(--t0)')}1c`;
    const axis: uPlot.Axis = {
      stroke: muted,
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
      font: '11px "Geist Variable", sans-serif',
      gap: 6,
    };
    const made = new uPlot(
      {
        width: Math.max(place.current?.clientWidth ?? 0, 200),
        height: HEIGHT,
        padding: [10, 10, 0, 0],
        legend: { show: false },
        scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
        axes: [
          { ...axis, size: 30 },
          { ...axis, size: 52 },
        ],
        cursor: { drag: { x: true, y: false, uni: 12 }, points: { size: 6 }, focus: { prox: 24 } },
        focus: { alpha: 0.35 },
        bands: [{ series: [chart.lines.length + 2, chart.lines.length + 3], fill: range }],
        series: [
          {},
          ...chart.lines.map((one): uPlot.Series => {
            const own = one.trust ? look(one.trust) : { colour: 'var(--mantine-color-text)', dash: [2, 3] };
            return {
              stroke: colour(own.colour) + (one.run ? '88' : ''),
              width: one.run ? 1.2 : 1.8,
              dash: one.run ? [3, 3] : own.dash,
              spanGaps: true,
              points: { show: one.points.length < 40, size: 4, fill: colour(own.colour), stroke: colour(own.colour) },
            };
          }),
          { stroke: text, width: 1.2, dash: [6, 4], spanGaps: true, points: { show: false } },
          { stroke: 'transparent', spanGaps: true, points: { show: false } },
          { stroke: 'transparent', spanGaps: true, points: { show: false } },
        ],
        hooks: {
          setCursor: [
            (self) => {
              const index = self.cursor.idx;
              const now = shown.current;
              const x = index == null ? undefined : now.x[index];
              if (index == null || x === undefined) cursor.current(null);
              else
                cursor.current({ x, lines: now.lines.map((row) => row[index] ?? null), mean: now.mean[index] ?? null });
            },
          ],
        },
      },
      dataOf(shown.current, log),
      place.current as HTMLElement,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [names, log, scheme]);

  useEffect(() => {
    const made = plot.current;
    // While zoomed in, new points must not throw the reader out.
    if (made) made.setData(dataOf(table, log), !isZoomed(made));
  }, [table, log]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);
  useImperativeHandle(handle, () => ({
    canvas: () => place.current?.querySelector('canvas') ?? null,
    reset: () => plot.current?.setData(dataOf(shown.current, log), true),
  }));

  return (
    <div ref={box} className={classes.plot}>
      <div ref={place} />
    </div>
  );
}

function useVisible(place: RefObject<HTMLElement | null>): boolean {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    if (!place.current) return;
    const observer = new IntersectionObserver(([entry]) => setVisible(entry?.isIntersecting ?? false), {
      rootMargin: '120px',
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [place]);
  return visible;
}

function isZoomed(plot: uPlot): boolean {
  const { min, max } = plot.scales.x ?? {};
  const xs = plot.data[0];
  return min != null && max != null && xs.length > 1 && (min > (xs[0] as number) || max < (xs.at(-1) as number));
}

/** A logarithm has no place for zero and below. */
function dataOf(table: ReturnType<typeof tableOf>, log: boolean): uPlot.AlignedData {
  const rows = [...table.lines, table.mean, table.high, table.low];
  const drawn = log ? rows.map((row) => row.map((value) => (value !== null && value > 0 ? value : null))) : rows;
  return [table.x, ...drawn];
}
