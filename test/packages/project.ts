import { type ChildProcess, execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, type Page } from '@playwright/test';
import { CSP as policy, serveSite } from '../e2e/app.ts';

// Projects of applications, made anew in build/packages from the files that lie here.

export const root = path.resolve(import.meta.dirname, '../..');
export const packages = path.join(root, 'build/packages');

const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
export const tarball = path.join(packages, `idbvault-${version}.tgz`);

/** Runs a program to its end, and returns what it wrote. */
export async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  const ended = promisify(execFile)(program, args, { cwd, env: plainEnv, maxBuffer: 2 ** 26 });
  const { stdout } = await ended.catch((error: { stdout: string; stderr: string; message: string }) => {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
  });
  return stdout;
}

/** What a terminal of the application's author has: nothing of npm's and the test runner's own. */
const plainEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|PW_|TEST_|NODE_ENV$|CI$|FORCE_COLOR$)/.test(name)),
);

/** Copies the files of test/packages/<name> and installs the tarball, and the tools, by name and exact version. */
export async function makeProject(name: string, tools: string[]): Promise<string> {
  const folder = path.join(packages, name);
  fs.cpSync(path.join(import.meta.dirname, name), folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  await install(folder, ...tools);
  return folder;
}

/** Installs the tarball, and what else is named. */
export async function install(folder: string, ...others: string[]): Promise<void> {
  await run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...others);
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A tool's server. */
export interface Served {
  url: string;
  stop: () => Promise<void>;
}

/** Starts a tool of the project as a server, with the port in the place of PORT, and waits until it answers. */
export async function serve(folder: string, tool: string, ...args: string[]): Promise<Served> {
  const port = await freePort();
  const program = path.join(folder, 'node_modules/.bin', tool);
  const server = spawn(
    program,
    args.map((arg) => arg.replace('PORT', String(port))),
    { cwd: folder, env: plainEnv, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => (said += data));
  const url = `http://localhost:${port}/`;
  const answers = () =>
    new Promise<boolean>((resolve) => {
      if (server.exitCode !== null) throw new Error(`${tool} ended:\n${said}`);
      http.get(url, (response) => resolve(response.resume().statusCode === 200)).on('error', () => resolve(false));
    });
  await expect.poll(answers, { timeout: 120_000, message: `${tool} answers` }).toBe(true);
  return { url, stop: () => stop(server) };
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill();
  await ended;
}

/** Serves files as they lie in a folder, under the policy. */
export async function serveFolder(folder: string): Promise<Served> {
  const { url, close } = await serveSite({ '/': folder });
  return { url: `${url}index.html`, stop: close };
}

/** Has the pages of a server come under a policy, as the application's own server would. */
export async function underPolicy(page: Page, { url }: Served, csp = policy): Promise<void> {
  await page.route(`${url}**`, async (route) => {
    if (route.request().resourceType() !== 'document') return route.fallback();
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), 'content-security-policy': csp } });
  });
}

/** Collects what a page complains of: errors, warnings, and what its policy refused. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  return complaints;
}
