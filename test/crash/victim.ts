import fs from 'node:fs';
import type http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { text as bodyOf } from 'node:stream/consumers';
import type { BrowserContext, Page } from '@playwright/test';
import { launchProfile, type ProfileBrowser } from '../atrest/launch.ts';
import { openApp, type Site, serveSite } from '../e2e/app.ts';
import { tornLog } from './leveldb.ts';
import { type Ran, script } from './page.ts';
import { gone, kill, processesOf } from './processes.ts';

const newProfile = () => fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-crash-'));

const noEnd = 'no end after two minutes';

/** A browser that is killed and started again, always on one profile. */
export class Victim {
  /** What was acknowledged in the page since it was last cleared. */
  readonly acked = new Set<string>();
  /** The log that the latest kill tore, after which the profile must not be killed again: see tornLog. */
  torn: string | undefined;
  readonly #name: ProfileBrowser;
  #profile = newProfile();
  #site: Site | undefined;
  #context: BrowserContext | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #processes: number[] = [];
  #reached: (where: string) => void = () => {};

  constructor(name: ProfileBrowser) {
    this.#name = name;
  }

  /** Opens the application in a new tab, and starts the browser where it does not run. */
  async tab(): Promise<Page> {
    this.#site ??= await serveSite({ '/some/folder/': 'web/dist' }, undefined, (request, response) =>
      this.#heard(request, response),
    );
    if (!this.#context) {
      this.#context = await launchProfile(this.#name, this.#profile);
      const context = this.#context;
      this.#ended = new Promise((resolve) => context.once('close', resolve));
      await context.addInitScript(script);
    }
    const page = await this.#context.newPage();
    await this.reload(page);
    return page;
  }

  async reload(page: Page): Promise<void> {
    await openApp(page, this.#site?.url ?? '');
    await page.evaluate(async () => {
      globalThis.keysOf = await import(`${location.origin}/some/folder/keys.js`);
    });
  }

  /**
   * Starts an operation and kills the browser: at the step that the page stops at, after `ms` where they are given, or when the
   * operation has ended. Says where that was, and what the operation failed with, if it did so before.
   */
  async killDuring(operation: () => Promise<Ran>[], ms?: number): Promise<[where: string, failure: string]> {
    this.#processes = processesOf(this.#profile);
    const reached = new Promise<string>((resolve) => {
      this.#reached = resolve;
    });
    const timer = setTimeout(() => this.#kill(ms === undefined ? noEnd : `${ms} ms`), ms ?? 120_000);
    const ended = Promise.all(operation()).then(
      (all) => all.find(({ error }) => error)?.error ?? '',
      (error: unknown) => String(error), // of the kill, mostly, and then it comes too late
    );
    const failure = await Promise.race([reached.then(() => ''), ended]);
    this.#kill('the end'); // which is the first word only where there was no step to stop at
    clearTimeout(timer);
    await gone(this.#profile, this.#processes);
    this.#processes = [];
    await this.#ended;
    this.#context = undefined;
    this.torn = tornLog(this.#profile);
    const where = await reached;
    return [where, failure || (where === noEnd ? noEnd : '')];
  }

  /** Ends the browser in peace and goes on with a new profile. */
  async renew(): Promise<Page> {
    await this.#away();
    this.#profile = newProfile();
    this.#context = undefined;
    return this.tab();
  }

  async end(): Promise<void> {
    await this.#away();
    await this.#site?.close();
  }

  async #away(): Promise<void> {
    await this.#context?.close();
    fs.rmSync(this.#profile, { recursive: true, force: true });
  }

  #kill(where: string): void {
    kill(this.#processes);
    this.#reached(where);
  }

  async #heard(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (request.url === '/step') return this.#kill(body); // and no answer
    this.acked.add(body);
    response.end();
  }
}
