/** The charts' points beside React: a new point draws its chart and nothing else. */
import { type Chart, kept } from './charts';

/** What of a chart seldom changes. */
export interface Shape {
  key: string;
  label: string;
  xLabel: string;
  lines: { key: string; trust: string | null; run: number }[];
}

export class Feed {
  private charts = new Map<string, Chart>();
  private order: readonly Chart[] = [];
  private readonly listeners = new Map<string, Set<() => void>>();
  private shapeListeners = new Set<() => void>();
  private signature = '';
  /** The same object until a chart or a line comes or goes. */
  shapes: readonly Shape[] = [];

  get(key: string): Chart | undefined {
    return this.charts.get(key);
  }

  put(now: readonly Chart[]) {
    const before = this.charts;
    this.order = kept(this.order, now);
    this.charts = new Map(this.order.map((chart) => [chart.key, chart]));
    const shapes = this.order.map(({ key, label, xLabel, lines }) => ({
      key,
      label,
      xLabel,
      lines: lines.map((line) => ({ key: line.key, trust: line.trust, run: line.run })),
    }));
    const signature = JSON.stringify(shapes);
    if (signature !== this.signature) {
      this.signature = signature;
      const old = new Map(this.shapes.map((shape) => [JSON.stringify(shape), shape]));
      this.shapes = shapes.map((shape) => old.get(JSON.stringify(shape)) ?? shape);
      for (const listener of this.shapeListeners) listener();
    }
    for (const [key, chart] of this.charts) {
      if (before.get(key) !== chart) for (const listener of this.listeners.get(key) ?? []) listener();
    }
  }

  /** Told when a point of this chart has come. */
  follow(key: string, listener: () => void): () => void {
    const all = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, all.add(listener));
    return () => all.delete(listener);
  }

  readonly followShapes = (listener: () => void): (() => void) => {
    this.shapeListeners.add(listener);
    return () => this.shapeListeners.delete(listener);
  };
  readonly readShapes = () => this.shapes;
}
