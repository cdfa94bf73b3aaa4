/** A chart as a file: PNG from its canvas, SVG drawn anew, CSV of its points. */
import { type Chart, tableOf } from './charts';

export function save(name: string, blob: Blob) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name.replace(/[^\w.-]+/g, '_');
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function asPng(canvas: HTMLCanvasElement, ground: string): Promise<Blob | null> {
  const copy = document.createElement('canvas');
  copy.width = canvas.width;
  copy.height = canvas.height;
  const paper = copy.getContext('2d') as CanvasRenderingContext2D;
  paper.fillStyle = ground;
  paper.fillRect(0, 0, copy.width, copy.height);
  paper.drawImage(canvas, 0, 0);
  return new Promise((resolve) => copy.toBlob(resolve, 'image/png'));
}

export function asCsv(chart: Chart): Blob {
  const rows = chart.lines.flatMap((line) =>
    line.points.map(([x, value]) => [line.run, line.trust ?? 'server', x, value].join(',')),
  );
  return new Blob(
    [`run,trust,${chart.xLabel.replace(/[",\n]/g, ' ')},${chart.label.replace(/[",\n]/g, ' ')}\n${rows.join('\n')}\n`],
    { type: 'text/csv' },
  );
}

const WIDTH = 720;
const HEIGHT = 400;
const EDGE = { left: 64, right: 140, top: 36, bottom: 40 };
const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

export function asSvg(chart: Chart, smoothing: number, colourOf: (trust: string | null) => string): Blob {
  const table = tableOf(chart, smoothing);
  const values = table.lines.flat().filter((value): value is number => value !== null && Number.isFinite(value));
  const [x0, x1] = [table.x[0] ?? 0, table.x.at(-1) ?? 1];
  const [y0, y1] = [
    values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ];
  const px = (x: number) => EDGE.left + ((x - x0) / (x1 - x0 || 1)) * (WIDTH - EDGE.left - EDGE.right);
  const py = (y: number) => HEIGHT - EDGE.bottom - ((y - y0) / (y1 - y0 || 1)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const lines = chart.lines.map((line, index) => {
    const points = (table.lines[index] ?? []).flatMap((value, at) =>
      value === null ? [] : [`${px(table.x[at] as number).toFixed(1)},${py(value).toFixed(1)}`],
    );
    const colour = colourOf(line.trust);
    const name = escaped(`${line.trust ?? 'server'}${line.run ? ' (compared)' : ''}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.8"${line.run ? ' stroke-dasharray="4 3"' : ''}/>
<text x="${WIDTH - EDGE.right + 14}" y="${EDGE.top + 18 * index + 4}" fill="${colour}" font-size="12">${name}</text>`;
  });
  const text = (x: number, y: number, words: string, anchor: string) =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="12" fill="#555">${escaped(words)}</text>`;
  return new Blob(
    [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>
<text x="${EDGE.left}" y="20" font-size="14" font-weight="600">${escaped(chart.label)}</text>
<path d="M${EDGE.left} ${EDGE.top}V${HEIGHT - EDGE.bottom}H${WIDTH - EDGE.right}" fill="none" stroke="#999"/>
${text(EDGE.left - 8, py(y0) + 4, y0.toPrecision(3), 'end')}${text(EDGE.left - 8, py(y1) + 4, y1.toPrecision(3), 'end')}
${text(px(x0), HEIGHT - EDGE.bottom + 18, String(x0), 'middle')}${text(px(x1), HEIGHT - EDGE.bottom + 18, `${x1}`, 'middle')}${text((px(x0) + px(x1)) / 2, HEIGHT - 8, chart.xLabel, 'middle')}
${lines.join('\n')}</svg>`,
    ],
    { type: 'image/svg+xml' },
  );
}
