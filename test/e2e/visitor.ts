import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  type Browser,
  type BrowserContext,
  test as base,
  expect as baseExpect,
  type Clock,
  type Page,
} from '@playwright/test';
import { launchProfile, type ProfileBrowser } from '../atrest/launch.ts';

// The demo page in real browsers.

export interface Site {
  url: string;
  close(): Promise<void>;
}

const server: string = '../../scripts/serve.mjs';
export const { serve } = (await import(server)) as { serve(options: { port: number }): Promise<Site> };

export const passphrase = 'correct horse battery';

/** With patience: a passphrase is derived from again and again, which takes seconds where the machine is busy. */
export const expect = baseExpect.configure({ timeout: 20_000 });

/** How a visitor comes. */
export interface Visit {
  site: Site;
  browser: Browser;
  /** Whether the browser has service workers: a private window of Firefox has none. */
  serviceWorkers?: boolean;
  /** Whether it is one of the visitor's own, on a profile that stays on the disk: it can be closed and opened again. */
  profile?: boolean;
}

/** A visitor's browser, with nothing in it. */
export class Visitor {
  readonly complaints: string[] = [];
  readonly #how: Visit;
  readonly #name: ProfileBrowser;
  #folder: string | undefined;
  #context: BrowserContext | undefined;

  constructor(how: Visit) {
    this.#how = how;
    this.#name = how.browser.browserType().name() as ProfileBrowser;
  }

  /** Opens the demo in a tab, and the browser where it is closed. */
  async visit(): Promise<Page> {
    this.#context ??= await this.#launch();
    const page = await this.#context.newPage();
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    await page.goto(this.#how.site.url);
    return page;
  }

  /** Opens the browser with a clock that the test moves, for all tabs. */
  async clock(): Promise<Clock> {
    this.#context ??= await this.#launch();
    await this.#context.clock.install();
    return this.#context.clock;
  }

  async closeBrowser(): Promise<void> {
    await this.#context?.close();
    this.#context = undefined;
  }

  async leave(): Promise<void> {
    await this.closeBrowser();
    if (this.#folder) fs.rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #launch(): Promise<BrowserContext> {
    if (this.#how.profile) this.#folder ??= fs.mkdtempSync(path.join(os.tmpdir(), `demo-${this.#name}-`));
    const context = this.#folder ? await launchProfile(this.#name, this.#folder) : await this.#how.browser.newContext();
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    if (!this.#how.serviceWorkers)
      await context.addInitScript(() => {
        Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined });
      });
    return context;
  }
}

export const test = base.extend<{ visitor: Visitor; profile: boolean }, { site: Site }>({
  profile: [false, { option: true }],
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      const site = await serve({ port: 0 });
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  visitor: async ({ site, browser, profile }, use) => {
    const visitor = new Visitor({ site, browser, profile });
    await use(visitor);
    await visitor.leave();
    expect(visitor.complaints, 'errors and CSP violations').toEqual([]);
  },
});

/** For a test to which no engine makes a difference. */
export function onlyInChromium(browserName: string): void {
  test.skip(browserName !== 'chromium', 'no engine makes a difference to it');
}

export async function unlock(page: Page, secret = passphrase): Promise<void> {
  await field(page).fill(secret);
  await page.getByRole('button', { name: /^(Make the vault|Unlock)$/ }).click();
}

/** Unlocks, and waits until both samples are shown. */
export async function unlockToSamples(page: Page): Promise<void> {
  await unlock(page);
  await expect(image(page, 'ct-head')).toBeVisible();
  await expect(image(page, 'us-abdomen')).toBeVisible();
  await expect(page.locator('.verdict')).toContainText('all of them open');
}

export const field = (page: Page) => page.getByLabel('Passphrase', { exact: true });
export const image = (page: Page, id: string) => page.locator(`img[data-id="${id}"]`);
export const onDisk = (page: Page) => page.locator('#disk-records .record');
