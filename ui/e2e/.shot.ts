import { login, open } from './browser.ts';

const [url, email, password, scheme, width, ...paths] = process.argv.slice(2);
const { page, close } = await open(url, {
  colorScheme: scheme as any,
  viewport: { width: Number(width), height: Number(width) < 500 ? 844 : 860 },
});
page.on('console', (m) => {
  if (m.type() === 'error') console.log('console:', m.text());
});
page.on('pageerror', (e) => console.log('pageerror', e.message));
let first = true;
for (const path of paths) {
  if (path === '/login') {
    await page.goto('/login');
  } else {
    if (first) {
      await login(page, email, password);
      first = false;
    }
    await page.goto(path);
  }
  await page.waitForTimeout(1800);
  const name = `/tmp/shots/${scheme}-${width}-${path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (i) => i.slice(0, 4)).replace(/[^a-z0-9]+/gi, '_')}.png`;
  await page.screenshot({ path: name, fullPage: true });
  console.log(name);
}
await close();
