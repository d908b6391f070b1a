import fs from 'node:fs';
import path from 'node:path';
import { type BrowserContext, chromium, firefox } from '@playwright/test';

export type ProfileBrowser = 'chromium' | 'firefox';

const CHROMIUM_ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// Without these navigator.storage.persist() waits for a prompt that no one answers.
const FIREFOX_PREFS = {
  'dom.storageManager.prompt.testing': true,
  'dom.storageManager.prompt.testing.allow': true,
};

/**
 * How a browser is started: the program that IDBVAULT_CHROMIUM or IDBVAULT_FIREFOX names, else the one on PATH, else (or
 * where the variable is empty) the one Playwright downloaded.
 */
export function launchOptions(browserName: ProfileBrowser) {
  if (browserName === 'chromium') {
    const executablePath = process.env.IDBVAULT_CHROMIUM ?? findOnPath('chromium');
    // The sandbox refuses to start for root, as which containers run tests.
    return {
      launchOptions: { ...(executablePath && { executablePath }), args: CHROMIUM_ARGS, chromiumSandbox: false },
    };
  }
  const executablePath = process.env.IDBVAULT_FIREFOX ?? findOnPath('firefox-esr');
  return {
    // A stock Firefox lacks the patches of Playwright's own build and is driven over WebDriver BiDi.
    ...(executablePath && { channel: 'moz-firefox' }),
    launchOptions: { ...(executablePath && { executablePath }), firefoxUserPrefs: FIREFOX_PREFS },
  };
}

/** Starts a browser on a profile that stays on disk. */
export function launchProfile(browserName: ProfileBrowser, profileDir: string): Promise<BrowserContext> {
  const { launchOptions: launch, ...use } = launchOptions(browserName);
  return (browserName === 'chromium' ? chromium : firefox).launchPersistentContext(profileDir, { ...use, ...launch });
}

function findOnPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => path.join(folder, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
