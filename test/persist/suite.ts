import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

// localForage's own tests. The last version whose package has them is 1.7.2; they run against the version that is installed.
// mocha and expect.js are those that it names.

const packages = {
  'localforage@1.7.2':
    'sha512-kldAjkD0HStc2YetPa5UGzZVL4b0wPQ3M8/lGLlx2apXawLUqP9EWZIW1N+uNYZa1cme6vXhhR/WHEbelqXqsw==',
  'mocha@1.18.2': 'sha512-IGINop40uo+TmtAN4KBiK36XznVV/G9QMG6nRdRcf041QAwaQI7opNJuLP6oal0e7fWdNS3qA83fovwuB/P6Jg==',
  'expect.js@0.3.1': 'sha512-okDF/FAPEul1ZFLae4hrgpIqAeapoo5TRdcg/lD0iN9S3GWrBFIJwNezGH1DMtIz+RxU4RrFmMq7WUUvDg3J6A==',
};

/** Returns the folder of a package as it was published, fetched where it is not there. */
function unpacked(name: keyof typeof packages): string {
  const folder = path.resolve('build/suites', name);
  if (fs.existsSync(folder)) return folder;
  fs.mkdirSync('build/suites', { recursive: true });
  const fetched = fs.mkdtempSync(path.resolve('build/suites/fetched-'));
  try {
    execFileSync('npm', ['pack', name, '--silent', '--pack-destination', fetched], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const file = path.join(fetched, `${name.replace('@', '-')}.tgz`);
    const integrity = `sha512-${createHash('sha512').update(fs.readFileSync(file)).digest('base64')}`;
    if (integrity !== packages[name]) throw new Error(`${name} is another than it was: ${integrity}`);
    execFileSync('tar', ['-xzf', file, '-C', fetched]);
    fs.renameSync(path.join(fetched, 'package'), folder);
  } finally {
    fs.rmSync(fetched, { recursive: true, force: true });
  }
  return folder;
}

/** Where a file of the suite says which drivers there are, and how to look whether one has deleted all. */
const patches: Record<string, [from: string, to: string][]> = {
  'test.api.js': [
    ['var DRIVERS = [', "var DRIVERS = ['idbvault',"],
    ...['Store', 'DB'].map((what): [string, string] => [
      `function expect${what}ToNotExistAsync(options) {`,
      `function expect${what}ToNotExistAsync(options) { if (driverName === 'idbvault') return expectNoneOf(options);`,
    ]),
  ],
  'test.datatypes.js': [['var DRIVERS = [', "var DRIVERS = ['idbvault',"]],
};

/** Prepares the suite, with our driver among its drivers, and returns what is to be served where. */
export function localForageSuite(): Record<string, string> {
  const suite = path.join(unpacked('localforage@1.7.2'), 'test');
  const patched = path.resolve('build/suites/patched');
  fs.mkdirSync(patched, { recursive: true });
  for (const [file, changes] of Object.entries(patches)) {
    let text = fs.readFileSync(path.join(suite, file), 'utf8');
    for (const [from, to] of changes) {
      if (text.split(from).length !== 2) throw new Error(`${file} has not one ${from}`);
      text = text.replace(from, to);
    }
    fs.writeFileSync(path.join(patched, file), text);
  }
  return {
    '/suite/patched/': patched,
    '/suite/mocha/': unpacked('mocha@1.18.2'),
    '/suite/expect/': unpacked('expect.js@0.3.1'),
    '/suite/localforage/': path.resolve('node_modules/localforage/dist'),
    '/test/': suite, // its images
  };
}
