import { defineConfig } from '@playwright/test';
import { launchOptions } from './test/atrest/launch.ts';

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
    { name: 'chromium', testIgnore: 'atrest/**', use: { browserName: 'chromium', ...launchOptions('chromium') } },
    {
      name: 'firefox',
      testIgnore: 'atrest/**',
      grepInvert: /@once/, // what does not depend on the engine
      use: { browserName: 'firefox', ...launchOptions('firefox') },
    },
    { name: 'scanner', testMatch: 'atrest/**/*.spec.ts' }, // starts both browsers itself
  ],
});
