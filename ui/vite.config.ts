import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { reference } from './reference.ts';

// `npm run dev` talks to a hub that runs already (`make page-dev` starts one and says where).
const hub = process.env.FLIP_HUB_URL ?? 'http://127.0.0.1:8080';

/** A .gz beside each larger text file: the hub sends it as it is. */
function packed(): Plugin {
  let folder = 'dist';
  return {
    name: 'packed',
    apply: 'build',
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const file = join(folder, name);
        if (!/\.(js|css|svg|html)$/.test(name) || statSync(file).size < 1024) continue;
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), reference(), packed()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { host: '127.0.0.1', proxy: { '/api': hub } },
  build: {
    target: 'es2022',
    // The page's content security policy allows no data: scripts, and fonts are better cached than inlined.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
});
