import react from '@vitejs/plugin-react';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as { version: string };
// The client that others use as well stands in a folder of its own and takes its packages from here.
const client = fileURLToPath(new URL('../clients/typescript/', import.meta.url));
const server = process.env.MUNDO_URL ?? 'http://127.0.0.1:5000';

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: { 'mundo-tango-client': `${client}src/index.ts` },
    dedupe: ['socket.io-client', 'vitest'],
  },
  define: {
    // Named in reports of browser errors, so that a report finds its build.
    __RELEASE__: JSON.stringify(process.env.MUNDO_RELEASE ?? version),
  },
  build: {
    // The content security policy allows no data: scripts, styles or fonts; every asset is a hashed file.
    assetsInlineLimit: 0,
    sourcemap: true,
  },
  server: {
    fs: { allow: ['.', client] },
    proxy: {
      '/api': server,
      '/socket.io': { target: server, ws: true },
    },
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts', '../clients/typescript/**/*.test.ts'],
  },
});
