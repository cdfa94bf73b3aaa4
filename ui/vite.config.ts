import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `npm run dev` talks to a hub that runs already (`make page-dev` starts one and says where).
const hub = process.env.FLIP_HUB_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { host: '127.0.0.1', proxy: { '/api': hub } },
  build: {
    target: 'es2022',
    // The page's content security policy allows no data: scripts, and fonts are better cached than inlined.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
});
