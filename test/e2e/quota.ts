import { type BrowserContext, chromium, firefox, type Page, test } from '@playwright/test';
import { launchOptions } from '../atrest/launch.ts';
import { openApp } from './app.ts';

/** Opens the application in a browser that gives its origin little room. */
export async function openWithQuota(profile: string, url: string): Promise<[BrowserContext, Page]> {
  if (test.info().project.name === 'chromium') {
    const { launchOptions: launch, ...use } = launchOptions('chromium');
    const context = await chromium.launchPersistentContext(profile, { ...use, ...launch });
    const page = await context.newPage();
    await openApp(page, url);
    const devtools = await context.newCDPSession(page);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin, quotaSize: 8 << 20 });
    return [context, page];
  }
  const { launchOptions: launch, ...use } = launchOptions('firefox');
  const prefs = 'firefoxUserPrefs' in launch ? launch.firefoxUserPrefs : {};
  const firefoxUserPrefs = { ...prefs, 'dom.quotaManager.temporaryStorage.fixedLimit': 20 << 10 }; // KB
  const context = await firefox.launchPersistentContext(profile, { ...use, ...launch, firefoxUserPrefs });
  const page = await context.newPage();
  await openApp(page, url);
  return [context, page];
}
