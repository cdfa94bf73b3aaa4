/** The trusts' colours stay apart for people who see colours otherwise, and stand out from the ground. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

type Three = [number, number, number];
const sheet = readFileSync(join(import.meta.dirname, 'styles.css'), 'utf8');
const [light, dark] = sheet.split('[data-mantine-color-scheme="dark"]').map((part) => ({
  colours: [...part.matchAll(/--t\d: (#[0-9a-f]{6});/g)].map(([, hex]) => linear(hex as string)),
  surface: linear(/--surface: (#[0-9a-f]{6});/.exec(part)?.[1] as string),
})) as [Scheme, Scheme];
interface Scheme {
  colours: Three[];
  surface: Three;
}

function linear(hex: string): Three {
  return [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Three;
}
const times = (matrix: number[][], [r, g, b]: Three) =>
  matrix.map(([x, y, z]) => (x as number) * r + (y as number) * g + (z as number) * b) as Three;

/** Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB. */
const SIGHTS = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Oklab (Ottosson 2020): equal distances look about equally different. */
function oklab(rgb: Three): Three {
  const cone = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    rgb.map((part) => Math.min(1, Math.max(0, part))) as Three,
  ).map(Math.cbrt) as Three;
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cone,
  );
}
const luminance = ([r, g, b]: Three) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (one: Three, other: Three) => {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
};

test.each([
  ['light', light],
  ['dark', dark],
])('%s: five colours that nobody takes for one another, readable as text', (_, { colours, surface }) => {
  expect(colours).toHaveLength(5);
  for (const [index, one] of colours.entries()) {
    expect(contrast(one, surface)).toBeGreaterThanOrEqual(4.5);
    for (const other of colours.slice(index + 1))
      for (const sight of Object.values(SIGHTS)) {
        const [a, b] = [oklab(times(sight, one)), oklab(times(sight, other))];
        // 0.02 is just visible side by side; four times that holds for thin lines and small dots.
        expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(0.08);
      }
  }
});
