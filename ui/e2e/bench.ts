/**
 * `npx tsx e2e/bench.ts [--trusts 10 --metrics 20 --points 10000 --drawn 1000 --seconds 10]`: how the built page feels.
 *
 * The page is the real one; the hub is stood in for by the few answers that it needs, so that nothing else uses the
 * machine. `--drawn` is what the hub's thinning leaves of each line (the page asks for 1000); 0 sends every point.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import type { Model, Project, Run, Series, Session, Trust } from '../src/api/types';
import { audit } from './axe';
import { open } from './browser';
import { accessibilityScore, performanceScore } from './score';

const { values } = parseArgs({
  options: {
    trusts: { type: 'string', default: '10' },
    metrics: { type: 'string', default: '20' },
    points: { type: 'string', default: '10000' },
    drawn: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
  },
});
const [trustCount, metricCount, pointCount, drawn, seconds] = [
  values.trusts,
  values.metrics,
  values.points,
  values.drawn,
  values.seconds,
].map(Number) as [number, number, number, number, number];
const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const KINDS: Record<string, string> = {
  js: 'text/javascript',
  css: 'text/css',
  html: 'text/html',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

const names = Array.from({ length: trustCount }, (_, index) => `trust-${String(index).padStart(2, '0')}`);
const labels = Array.from({ length: metricCount }, (_, index) => `METRIC_${String(index).padStart(2, '0')}`);
const at = '2026-11-25T10:00:00Z';
const metricAt = (trust: number, metric: number, x: number) =>
  Math.exp(-x / 3000) * (1 + metric / 10) + trust / 20 + Math.sin(x / 40 + trust) / 25;
const every = drawn ? Math.max(1, Math.floor(pointCount / drawn)) : 1;
const series = labels.flatMap((label, metric) =>
  names.map((trust, place) => ({
    trust,
    label,
    x_label: 'step',
    points: Array.from({ length: Math.floor(pointCount / every) }, (_, index) => [
      index * every,
      metricAt(place, metric, index * every),
    ]),
  })),
) as unknown as Series[];

const session = {
  user: { id: 'u', name: 'Bench', email: 'bench@flip.example', role: 'researcher', trusts: [] },
  csrf_token: 'x',
  next: null,
  has_totp: false,
  has_password: true,
  recovery_codes_left: 0,
  expires_at: at,
  kind: 'session',
  permissions: [],
} satisfies Session;
const trusts = names.map((name) => ({ name, online: true }) as Trust);
const model = {
  id: 'm',
  project_id: 'p',
  name: 'Bench',
  description: '',
  status: 'TRAINING_STARTED',
  status_reason: '',
  created_at: at,
  history: [],
} satisfies Model;
const run = {
  id: 'r',
  model_id: 'm',
  project_id: 'p',
  state: 'running',
  created_at: at,
  run_config: {},
  options: {},
  trusts: [],
  rounds: [],
  stop_requested: null,
  finished_at: null,
  reason_code: '',
  reason_text: '',
} as unknown as Run;
const projects = {
  items: Array.from({ length: 60 }, (_, index) => ({
    id: `p${index}`,
    name: `Project ${index}`,
    kind: 'imaging',
    status: 'APPROVED',
    owner_id: 'u',
    owner: 'Bench',
    created_at: at,
    staged_at: at,
    approved_at: at,
    trusts: names.slice(0, 3).map((trust) => ({ trust, decision: 'APPROVED' })),
    query_id: 'q',
    cohort_persons: 4200,
    model_count: 3,
    active_runs: 0,
  })),
  next_cursor: null,
};
const answers: Record<string, unknown> = {
  'auth/session': session,
  'auth/methods': { oidc: null, access_requests: true },
  trusts,
  projects,
  'projects/p': { id: 'p', name: 'Bench', trusts: [] } as unknown as Project,
  'models/m': model,
  'models/m/runs': [run],
  'runs/r/metrics': series,
  queue: { deployment_mode: false, slots: 1, active: [], waiting: [] },
  site: { banner: null, deployment_mode: false, deployment_reason: '', changed_at: null },
};
const streams = new Set<ServerResponse>();

const server = createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://x').pathname;
  if (path === '/api/v1/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify({ kind: 'hello', topics: [], payload: {} })}\n\n`);
    streams.add(response);
    response.on('close', () => streams.delete(response));
    return;
  }
  if (path.startsWith('/api/v1/')) {
    const answer = answers[path.slice(8)];
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { code: 'not_found', message: path }));
    return;
  }
  const file = /\.\w+$/.test(path) ? path : '/index.html';
  const kind = KINDS[file.split('.').at(-1) as string] ?? 'application/octet-stream';
  const packed = join(DIST, `${file}.gz`);
  const isPacked = existsSync(packed);
  response.writeHead(200, { 'content-type': kind, ...(isPacked ? { 'content-encoding': 'gzip' } : {}) });
  response.end(readFileSync(isPacked ? packed : join(DIST, file)));
});
await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** A point per line and second, as ten trusts would send them: one event per trust. */
let step = pointCount;
const telling = setInterval(() => {
  step += 1;
  for (const [place, trust] of names.entries()) {
    const points = labels.map((label, metric) => [label, 'step', step, metricAt(place, metric, step)]);
    const event = {
      kind: 'metrics',
      at,
      text: '',
      topics: ['run:r', 'model:m'],
      payload: { trust, points, left_out: 0 },
    };
    for (const stream of streams) stream.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}, 1000);

const { page, close } = await open(address);
try {
  await firstLoad(page);
  await chartPage(page);
} finally {
  clearInterval(telling);
  await close();
  server.closeAllConnections();
  server.close();
}

async function firstLoad(page: Page) {
  const sizes: Record<string, number> = {};
  page.on('response', async (response) => {
    const kind = response.request().resourceType();
    const { responseBodySize } = await response
      .request()
      .sizes()
      .catch(() => ({ responseBodySize: 0 }));
    sizes[kind] = (sizes[kind] ?? 0) + responseBodySize;
  });
  await page.addInitScript(() => {
    const seen = { shift: 0, largest: 0, blocked: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) seen.shift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.largest = entry.startTime;
    }).observe({ type: 'largest-contentful-paint', buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.blocked += Math.max(0, entry.duration - 50);
    }).observe({ type: 'longtask', buffered: true });
  });
  await page.goto('/projects');
  await page.locator('main li a').first().waitFor();
  await page.waitForTimeout(1500);
  const seen = await page.evaluate(() => ({
    ...(window as unknown as { seen: { shift: number; largest: number; blocked: number } }).seen,
    first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  }));
  const kb = (bytes = 0) => `${(bytes / 1000).toFixed(1)} kB`;
  console.log('Projects page, first load, 60 projects');
  console.log(`  script, compressed       ${kb(sizes.script)}   (at most 250 kB)`);
  console.log(`  style ${kb(sizes.stylesheet)}, fonts ${kb(sizes.font)}`);
  console.log(`  first contentful paint   ${seen.first.toFixed(0)} ms`);
  console.log(`  largest contentful paint ${seen.largest.toFixed(0)} ms`);
  console.log(`  main thread blocked      ${seen.blocked.toFixed(0)} ms`);
  console.log(`  layout shift             ${seen.shift.toFixed(4)}`);
  const speed = performanceScore({
    firstPaint: seen.first,
    largestPaint: seen.largest,
    blocked: seen.blocked,
    shift: seen.shift,
  });
  const { passed, failed } = await audit(page);
  const accessibility = accessibilityScore(passed, failed);
  console.log(`  as Lighthouse scores it  performance ${speed} (at least 90), accessibility ${accessibility} (95)`);
  for (const rule of failed) console.log(`    ${rule.id}: ${rule.help}`);
  if ((sizes.script ?? 0) > 250_000 || accessibility < 95) process.exitCode = 1;
}

async function chartPage(page: Page) {
  await page.goto('/models/m/metrics');
  await page
    .getByTestId('chart')
    .nth(metricCount - 1)
    .waitFor({ state: 'attached', timeout: 60_000 });
  await page.waitForTimeout(2000);
  for (const scrolling of [false, true]) {
    const frames = await page.evaluate(
      ({ ms, scrolling }) =>
        new Promise<number[]>((done) => {
          const gaps: number[] = [];
          const start = performance.now();
          let last = start;
          const height = document.documentElement.scrollHeight - innerHeight;
          const frame = (now: number) => {
            gaps.push(now - last);
            last = now;
            if (scrolling) scrollTo(0, (height * (1 - Math.cos((now - start) / 1500))) / 2);
            if (now - start > ms) done(gaps.slice(1));
            else requestAnimationFrame(frame);
          };
          requestAnimationFrame(frame);
        }),
      { ms: seconds * 1000, scrolling },
    );
    frames.sort((a, b) => a - b);
    const total = frames.reduce((sum, gap) => sum + gap, 0);
    const at = (share: number) => (frames[Math.floor(share * (frames.length - 1))] as number).toFixed(0);
    console.log(
      `${trustCount} trusts × ${metricCount} metrics × ${pointCount} points (${Math.floor(pointCount / every)} drawn), live${scrolling ? ', scrolling' : ''}`,
    );
    console.log(
      `  ${((1000 * frames.length) / total).toFixed(1)} frames per second; a frame: median ${at(0.5)}, 95 % ${at(0.95)}, longest ${at(1)} ms`,
    );
  }
}
