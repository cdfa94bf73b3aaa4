/** One chart: uPlot on a canvas, drawn in a frame of its own and only while somebody sees it. */
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type Ref, type RefObject, useEffect, useImperativeHandle, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { TrustLook } from '@/components/trusts';
import { type Chart, type Table, tableOf } from './charts';
import type { Feed, Shape } from './feed';
import { frames } from './frames';
import classes from './MetricsPanel.module.css';
import { firstAtLeast, thin } from './thin';

export interface PlotHandle {
  canvas: () => HTMLCanvasElement | null;
  reset: () => void;
}
export interface CursorValues {
  x: number;
  lines: (number | null)[];
  mean: number | null;
}
interface Props {
  feed: Feed;
  shape: Shape;
  smoothing: number;
  log: boolean;
  look: (trust: string) => TrustLook;
  /** Values at the cursor, by line; null when it left. */
  onCursor: (values: CursorValues | null) => void;
  handle: Ref<PlotHandle>;
}
const HEIGHT = 230;
/** CSS pixels per bucket of a thinned line. Each keeps two points, so nothing that could be seen is lost. */
const BUCKET_PX = 1.5;

export function Plot({ feed, shape, smoothing, log, look, onCursor, handle }: Props) {
  const { ref: box, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const visible = useVisible(place);
  const cursor = useRef(onCursor);
  cursor.current = onCursor;
  const drawing = useRef<Drawing>(null);
  const names = shape.lines.map((line) => line.key + (line.trust ? look(line.trust).colour : '')).join('\n');

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew only when its lines, scale or scheme change; the rest comes below
  useEffect(() => {
    const made = new Drawing(place.current as HTMLElement, feed, shape, log, look, (values) => cursor.current(values));
    drawing.current = made;
    return () => {
      made.end();
      drawing.current = null;
    };
  }, [names, log, scheme, feed]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new drawing has to be told these too
  useEffect(() => {
    drawing.current?.set({ visible, smoothing, width });
  }, [visible, smoothing, width, names, log, scheme, feed]);

  useImperativeHandle(handle, () => ({
    canvas: () => {
      drawing.current?.paint();
      return place.current?.querySelector('canvas') ?? null;
    },
    reset: () => drawing.current?.whole(),
  }));

  return (
    <div ref={box} className={classes.plot}>
      <div ref={place} />
    </div>
  );
}

/** A uPlot and what it draws: the feed's chart, thinned to the part and the width that are seen. */
class Drawing {
  private readonly plot: uPlot;
  private readonly leave: () => void;
  private readonly feed: Feed;
  private readonly key: string;
  private readonly log: boolean;
  private zoom: { min: number; max: number } | null = null;
  private told = { visible: false, smoothing: 0, width: 0 };
  private counted: { chart: Chart; smoothing: number; table: Table } | null = null;
  private painting = false;

  constructor(
    place: HTMLElement,
    feed: Feed,
    shape: Shape,
    log: boolean,
    look: (trust: string) => TrustLook,
    onCursor: (values: CursorValues | null) => void,
  ) {
    this.feed = feed;
    this.key = shape.key;
    this.log = log;
    this.leave = feed.follow(shape.key, () => this.ask());
    this.plot = new uPlot(
      {
        ...optionsOf(shape, log, look),
        width: Math.max(place.clientWidth, 200),
        height: HEIGHT,
        cursor: {
          drag: { x: true, y: false, uni: 12 },
          points: { size: 6 },
          focus: { prox: 24 },
          bind: {
            dblclick: () => () => {
              this.whole();
              return null;
            },
          },
        },
        hooks: {
          setCursor: [(plot) => onCursor(this.at(plot.cursor.left))],
          setScale: [(plot, scale) => this.scaled(plot, scale)],
        },
      },
      undefined,
      place,
    );
  }

  end() {
    frames.drop(this);
    this.leave();
    this.plot.destroy();
  }

  set(told: typeof this.told) {
    const wider = told.width !== this.told.width && told.width > 0;
    this.told = told;
    if (wider) this.plot.setSize({ width: told.width, height: HEIGHT });
    this.ask();
  }

  whole() {
    this.zoom = null;
    this.ask();
  }

  private ask() {
    if (this.told.visible) frames.add(this, () => this.paint());
  }

  paint() {
    const table = this.table();
    const { x } = table;
    if (x.length === 0) return;
    const { min, max } = this.zoom ?? { min: x[0] as number, max: x.at(-1) as number };
    const drawn = thin(table, min, max, Math.max(50, Math.round(this.plot.width / BUCKET_PX)));
    this.painting = true;
    this.plot.batch(() => {
      this.plot.setData(dataOf(drawn, this.log), false);
      this.plot.setScale('x', { min, max: max > min ? max : min + 1 });
    });
    this.painting = false;
  }

  private table(): Table {
    const chart = this.feed.get(this.key);
    const { smoothing } = this.told;
    if (!chart) return { x: [], lines: [], mean: [], low: [], high: [] };
    if (this.counted?.chart !== chart || this.counted.smoothing !== smoothing)
      this.counted = { chart, smoothing, table: tableOf(chart, smoothing) };
    return this.counted.table;
  }

  /** The reader has dragged: stay there, whatever comes, and draw that part in full. */
  private scaled(plot: uPlot, scale: string) {
    const { min, max } = plot.scales.x ?? {};
    if (scale !== 'x' || this.painting || min == null || max == null) return;
    const { x } = this.table();
    if (min <= (x[0] as number) && max >= (x.at(-1) as number)) return;
    this.zoom = { min, max };
    this.ask();
  }

  /** Of the points themselves, not of what is drawn of them. */
  private at(left: number | undefined): CursorValues | null {
    if (left == null || left < 0) return null;
    const { x, lines, mean } = this.table();
    if (x.length === 0) return null;
    const asked = this.plot.posToVal(left, 'x');
    const after = Math.min(firstAtLeast(x, asked), x.length - 1);
    const nearer = after > 0 && asked - (x[after - 1] as number) < (x[after] as number) - asked;
    const index = nearer ? after - 1 : after;
    return { x: x[index] as number, lines: lines.map((row) => row[index] ?? null), mean: mean[index] ?? null };
  }
}

type Options = Omit<uPlot.Options, 'width' | 'height'>;

function optionsOf(shape: Shape, log: boolean, look: (trust: string) => TrustLook): Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (value: string) => style.getPropertyValue(value.slice(4, -1)).trim() || value;
  const [line, muted, text] = ['var(--line)', 'var(--muted)', 'var(--mantine-color-text)'].map(colour);
  const axis: uPlot.Axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: '11px "Geist Variable", sans-serif',
    gap: 6,
  };
  const hidden = { stroke: 'transparent', width: 0, spanGaps: true, points: { show: false } };
  return {
    padding: [10, 10, 0, 0],
    legend: { show: false },
    scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
    axes: [
      { ...axis, size: 30 },
      { ...axis, size: 52 },
    ],
    focus: { alpha: 0.35 },
    bands: [{ series: [shape.lines.length + 2, shape.lines.length + 3], fill: `${colour('var(--t0)')}1c` }],
    series: [
      {},
      ...shape.lines.map((one): uPlot.Series => {
        const own = one.trust ? look(one.trust) : { colour: 'var(--mantine-color-text)', dash: [2, 3] };
        const stroke = colour(own.colour);
        return {
          stroke: stroke + (one.run ? '88' : ''),
          width: one.run ? 1.2 : 1.8,
          dash: one.run ? [3, 3] : own.dash,
          spanGaps: true,
          points: { show: (plot) => plot.data[0].length < 40, size: 4, fill: stroke, stroke },
        };
      }),
      { stroke: text, width: 1.2, dash: [6, 4], spanGaps: true, points: { show: false } },
      hidden,
      hidden,
    ],
  };
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

/** A logarithm has no place for zero and below. */
function dataOf(table: Table, log: boolean): uPlot.AlignedData {
  const rows = [...table.lines, table.mean, table.high, table.low];
  const drawn = log ? rows.map((row) => row.map((value) => (value !== null && value > 0 ? value : null))) : rows;
  return [table.x, ...drawn];
}
