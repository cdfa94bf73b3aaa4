import type { Series } from '@/api/types';

const FIRST = ['VAL_DICE', 'VAL_ACC', 'VAL_ACCURACY', 'VAL_LOSS', 'TRAIN_LOSS'];

/** The metric that says most about a model at a glance, one line per trust. */
export function mainSeries(
  series: readonly Series[],
): { label: string; lines: { trust: string; points: [number, number][] }[] } | null {
  const labels = [...new Set(series.filter((one) => one.trust).map((one) => one.label))];
  const label = FIRST.find((wanted) => labels.includes(wanted)) ?? labels.sort()[0];
  if (!label) return null;
  const lines = series
    .filter((one) => one.label === label && one.trust)
    .map((one) => ({ trust: one.trust as string, points: one.points as [number, number][] }));
  return { label, lines };
}
