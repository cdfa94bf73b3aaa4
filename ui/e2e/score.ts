/** Lighthouse's scores out of the same measurements: its weights and log-normal curves for a desktop (version 12). */

export interface Measured {
  /** Milliseconds, as Lighthouse defines each; `shift` has no unit. */
  firstPaint: number;
  largestPaint: number;
  blocked: number;
  shift: number;
}

/** Where a value scores 0.5 and 0.9, and how much it counts. The speed index is left out; the others keep their parts. */
const CURVES: Record<keyof Measured, { median: number; p10: number; weight: number }> = {
  firstPaint: { median: 1600, p10: 934, weight: 10 },
  largestPaint: { median: 2400, p10: 1200, weight: 25 },
  blocked: { median: 350, p10: 150, weight: 30 },
  shift: { median: 0.25, p10: 0.1, weight: 25 },
};

export function performanceScore(measured: Measured): number {
  let sum = 0;
  let weights = 0;
  for (const [name, { median, p10, weight }] of Object.entries(CURVES)) {
    sum += weight * share(measured[name as keyof Measured], median, p10);
    weights += weight;
  }
  return Math.round((100 * sum) / weights);
}

/** Share of pages that are slower: the complement of a log-normal distribution through the two points. */
function share(value: number, median: number, p10: number): number {
  if (value <= 0) return 1;
  const deviation = Math.log(median / p10) / 1.2815515655446004; // the normal's 90th percentile
  return 0.5 * erfc(Math.log(value / median) / deviation / Math.SQRT2);
}

/** Abramowitz and Stegun 7.1.26; its error is below 1.5e-7. */
function erfc(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x >= 0 ? tail : 2 - tail;
}

/** Lighthouse weighs each of axe's rules by its impact; a rule that fails anywhere counts as failed. */
const IMPACT = { minor: 1, moderate: 3, serious: 7, critical: 10 };

export interface Rule {
  impact?: string | null;
}

export function accessibilityScore(passed: readonly Rule[], failed: readonly Rule[]): number {
  const weigh = (rules: readonly Rule[]) =>
    rules.reduce((sum, { impact }) => sum + (IMPACT[impact as keyof typeof IMPACT] ?? IMPACT.serious), 0);
  const [good, bad] = [weigh(passed), weigh(failed)];
  return good + bad ? Math.round((100 * good) / (good + bad)) : 100;
}
