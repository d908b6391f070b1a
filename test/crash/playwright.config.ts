import { defineConfig } from '@playwright/test';

// The long set of kills, which `make test` leaves out.
export default defineConfig({
  testDir: '.',
  testMatch: ['long.ts', 'torn.ts'],
  workers: 2,
  reporter: [['list']],
  outputDir: '../../build/test-results',
  projects: [{ name: 'chromium' }, { name: 'firefox' }],
});
