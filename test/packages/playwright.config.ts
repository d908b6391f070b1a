import { defineConfig } from '@playwright/test';
import { launchOptions } from '../atrest/launch.ts';

// The package as it is published, in projects that are made anew with the real tools.
export default defineConfig({
  testDir: '.',
  testMatch: '**/packages/*.test.ts',
  globalSetup: './pack.ts',
  workers: 1,
  timeout: 300_000,
  expect: { timeout: 30_000 },
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  outputDir: '../../build/test-results',
  use: { browserName: 'chromium', ...launchOptions('chromium') },
});
