import { expect, test } from 'vitest';
import { accessibilityScore, performanceScore } from './score';

test('the curves go through their two points', () => {
  expect(performanceScore({ firstPaint: 1600, largestPaint: 2400, blocked: 350, shift: 0.25 })).toBe(50);
  expect(performanceScore({ firstPaint: 934, largestPaint: 1200, blocked: 150, shift: 0.1 })).toBe(90);
  expect(performanceScore({ firstPaint: 100, largestPaint: 100, blocked: 0, shift: 0 })).toBe(100);
});

test('a critical failure costs more than a minor one', () => {
  const passed = Array.from({ length: 10 }, () => ({ impact: 'serious' }));
  expect(accessibilityScore(passed, [])).toBe(100);
  expect(accessibilityScore(passed, [{ impact: 'minor' }])).toBe(99);
  expect(accessibilityScore(passed, [{ impact: 'critical' }])).toBe(88);
});
