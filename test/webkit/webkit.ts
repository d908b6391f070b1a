import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Page } from '@playwright/test';
import { gone, kill, processesOf } from '../crash/processes.ts';
import { type Group, startGroup } from './processes.ts';
import { Session } from './session.ts';

// WebKitGTK as the machine has it (Debian's packages): Playwright's own WebKit is another port, and patched.

const python = '/usr/bin/python3'; // the one that Debian's packages are for

/** What is missing here to run WebKitGTK, or nothing. */
export function missing(): string {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const absent = ['WebKitWebDriver', 'Xvfb'].filter((name) => !folders.some((f) => fs.existsSync(path.join(f, name))));
  const { status } = spawnSync(python, ['-c', 'import gi; gi.require_version("WebKit2", "4.1")']);
  if (status !== 0) absent.push("Python's bindings of WebKitGTK");
  return absent.join(', ');
}

/** Starts an X server of its own, and returns its name with what ends it. */
export async function startDisplay(): Promise<{ name: string; end: () => Promise<void> }> {
  const { shell, end } = startGroup('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x960x24', '-nolisten', 'tcp']);
  for await (const number of createInterface({ input: shell.stdio[3] as NodeJS.ReadableStream }))
    return { name: `:${number}`, end };
  await end();
  throw new Error('Xvfb did not start.');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** A WebKitGTK on a profile of its own, which can be closed, or killed, and opened again. */
export class WebKit {
  readonly profile = fs.mkdtempSync(path.join(os.tmpdir(), 'idbvault-webkit-'));
  readonly #display: string;
  readonly #features: string[];
  #driver: Group | undefined;
  #session: Session | undefined;

  /** `features` are those of WebKit that are off by default and on here. */
  constructor(display: string, features: string[]) {
    this.#display = display;
    this.#features = features;
  }

  /** What pages reported to the console as errors. */
  get complaints(): string[] {
    const console = path.join(this.profile, 'console');
    const lines = fs.existsSync(console) ? fs.readFileSync(console, 'utf8').split('\n') : [];
    return lines.filter((line) => /CONSOLE .*ERROR/.test(line));
  }

  /** Opens a window, and the browser where it is closed. */
  async newPage(): Promise<Page> {
    this.#session ??= await this.#start();
    // It has what those call of Page that are given one.
    return (await this.#session.newTab()) as unknown as Page;
  }

  async close(): Promise<void> {
    const all = processesOf(this.profile);
    await this.#session?.end();
    this.#session = undefined;
    await this.#driver?.end();
    await gone(this.profile, all);
  }

  /** Ends all processes of the browser at once, in the midst of what they do. */
  async kill(): Promise<void> {
    const all = processesOf(this.profile);
    kill(all);
    this.#session = undefined;
    await this.#driver?.end();
    await gone(this.profile, all);
  }

  async end(): Promise<void> {
    await this.kill();
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #start(): Promise<Session> {
    const port = await freePort();
    this.#driver = startGroup('WebKitWebDriver', ['--host=127.0.0.1', `--port=${port}`], {
      DISPLAY: this.#display,
      // Nothing of the user's own is read or written.
      ...Object.fromEntries(['CACHE', 'CONFIG', 'DATA'].map((kind) => [`XDG_${kind}_HOME`, this.profile])),
      GIO_USE_VFS: 'local',
      GSETTINGS_BACKEND: 'memory',
      NO_AT_BRIDGE: '1',
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', // it refuses to start for root, as which containers run tests
    });
    const args = [path.join(import.meta.dirname, 'browser.py'), `--profile=${this.profile}`];
    return Session.start(`http://127.0.0.1:${port}`, {
      'webkitgtk:browserOptions': { binary: python, args: [...args, `--features=${this.#features}`] },
    });
  }
}
