import { defineConfig } from '@playwright/test';
import { launchOptions } from './test/atrest/launch.ts';

const elsewhere = ['test/atrest/**', 'test/webkit/**'];

// Chromium and Firefox as the machine has them (Debian's packages), or Playwright's own. See scripts/install.sh.
export default defineConfig({
  testDir: 'test',
  testMatch: '**/*.spec.ts',
  workers: 2,
  timeout: 120_000,
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  outputDir: 'build/test-results',
  projects: [
    { name: 'chromium', testIgnore: elsewhere, use: { browserName: 'chromium', ...launchOptions('chromium') } },
    {
      name: 'firefox',
      testIgnore: elsewhere,
      grepInvert: /@once/, // what does not depend on the engine
      use: { browserName: 'firefox', ...launchOptions('firefox') },
    },
    { name: 'scanner', testMatch: 'test/atrest/**/*.spec.ts' }, // starts both browsers itself
    { name: 'webkitgtk', testMatch: 'test/webkit/**/*.spec.ts' }, // starts it itself, by way of its own WebDriver
  ],
});
