import react from '@vitejs/plugin-react';
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as { version: string };
const server = process.env.MUNDO_URL ?? 'http://127.0.0.1:5000';

export default defineConfig({
  plugins: [react()],
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
    proxy: {
      '/api': server,
      '/socket.io': { target: server, ws: true },
    },
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts'],
  },
});
