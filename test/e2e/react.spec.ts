// biome-ignore-all lint/correctness/noComponentHookFactories: a test's components live in its page

import fs from 'node:fs';
import { test as bare } from '@playwright/test';
import type { ReactNode } from 'react';
import { expect, loadServer, openReact, secret, reactTest as test, versions } from './react-page.ts';

// useEncryptedStorage and useEncryptedValue, each test with React 18 and 19, under StrictMode.

for (const version of versions)
  test.describe(`React ${version}`, () => {
    test.beforeEach(async ({ page, site }) => {
      await openReact(page, site.url, version);
      await page.evaluate(async (secret) => {
        await idbvault.createEncryptedStorage(undefined, undefined, { secret });
      }, secret);
    });

    test('two components on one key show one value, and writes of both, of the page and of another tab', async ({
      page,
      context,
      site,
    }) => {
      const seen = await page.evaluate(async () => {
        const h = react.createElement;
        const statuses = new Set<string>();
        let set: (n: number | ((n: number | null) => number)) => Promise<void> = async () => {};
        let remove = async () => {};
        function Count() {
          const count = hooks.useEncryptedStorage<number>('count');
          statuses.add(`${count.status} ${count.loading} ${count.value}`);
          set = count.updateValue;
          remove = count.remove;
          return h('p', null, count.loading ? '…' : `${count.value}`);
        }
        mount(h(react.Fragment, null, h(Count), h(Count)));
        const says = (what: string) => until(() => text() === `${what}\n\n${what}`);
        await says('null');
        await set(1);
        await says('1');
        await set((n) => (n ?? 0) + 1);
        await says('2');
        const storage = await idbvault.createEncryptedStorage();
        await storage.setJSON('count', 7);
        await says('7');
        await remove();
        await says('null');
        const exists = await storage.exists('count');
        await storage.setJSON('count', 3, 'phi');
        await set((n) => (n ?? 0) + 1);
        return { exists, statuses: [...statuses], stored: await storage.getJSON('count') };
      });
      expect(seen.exists).toBe(false);
      expect(seen.stored).toBe(4);
      expect(seen.statuses).toEqual(
        expect.arrayContaining([
          'loading true null',
          'ready false null',
          'saving false 1',
          'ready false 1',
          'saving false 2',
        ]),
      );
      const other = await context.newPage();
      await openReact(other, site.url, version);
      await other.evaluate(async (secret) => {
        const storage = await idbvault.createEncryptedStorage(undefined, undefined, { secret });
        await storage.setJSON('count', 40);
      }, secret);
      await page.evaluate(() => until(() => text() === '40\n\n40'));
    });

    // What does not touch React is tried with one of the two.
    const once = version === '19' ? test : test.skip;
    test.describe(() => {
      test.skip(
        ({ browserName }) => browserName !== 'chromium',
        'the hook is the same in every engine; the first test shows that it runs',
      );

      test('unmounted in mid-read, and a key that changes in mid-read: nothing old is shown', async ({ page }) => {
        const shown = await page.evaluate(async () => {
          const h = react.createElement;
          const storage = await idbvault.createEncryptedStorage();
          for (const key of ['a', 'b', 'c']) await storage.setJSON(key, `value of ${key}`);
          const shown: string[] = [];
          function Value({ name }: { name: string }) {
            const { value, status } = hooks.useEncryptedStorage<string>(name);
            shown.push(`${name}: ${status} ${value}`);
            return h('p', null, `${value}`);
          }
          let release = hold('decrypt');
          const root = mount(h(Value, { name: 'a' }));
          await until(() => text() === 'null');
          root.render(h(react.StrictMode, null, h(Value, { name: 'b' })));
          await until(() => shown.some((line) => line.startsWith('b')));
          release();
          await until(() => text() === 'value of b');
          // A read that a write overtakes: what was written stays, though the read ends behind that of the new value.
          release = hold('decrypt');
          const met = waiting;
          root.render(h(react.StrictMode, null, h(Value, { name: 'c' })));
          await until(() => shown.at(-1) === 'c: loading null');
          await until(() => waiting === met + 1);
          delete globalThis.gates.decrypt; // the next ones need not wait
          await storage.setJSON('c', 'newer');
          await until(() => text() === 'newer');
          release();
          await storage.getDecrypted('c');
          await new Promise((resolve) => setTimeout(resolve, 20));
          release = hold('decrypt');
          root.render(h(react.StrictMode, null, h(Value, { name: 'a' })));
          await until(() => shown.at(-1) === 'a: loading null');
          root.unmount();
          release();
          await storage.getDecrypted('a'); // behind the hook's
          await new Promise((resolve) => setTimeout(resolve));
          return [...new Set(shown)];
        });
        expect(shown).toEqual([
          'a: loading null',
          'b: loading null',
          'b: ready value of b',
          'c: loading null',
          'c: ready newer',
        ]);
      });

      test('a write is shown at once; one that fails is taken back, to what came meanwhile', async ({
        page,
        complaints,
      }) => {
        const seen = await page.evaluate(async () => {
          const h = react.createElement;
          const storage = await idbvault.createEncryptedStorage();
          await storage.setJSON('k', { n: 1 });
          type Hook = ReturnType<typeof hooks.useEncryptedStorage<{ n: number }>>;
          let hook = {} as Hook;
          const Value = () => {
            hook = hooks.useEncryptedStorage<{ n: number }>('k');
            return h('p', null, `${hook.status} ${hook.value?.n}`);
          };
          mount(h(Value));
          await until(() => text() === 'ready 1');
          const first = hook.value;

          const release = hold('encrypt');
          const failed = hook.updateValue({ n: 2 });
          const failedCode = codeOf(() => failed);
          await until(() => text() === 'saving 2');
          // Another write of the page waits before it, as a write of another tab would come: it succeeds, the hook's does not.
          const { put } = IDBObjectStore.prototype;
          let puts = 0;
          IDBObjectStore.prototype.put = function (...all) {
            if (++puts === 1) throw new DOMException('made to fail', 'QuotaExceededError');
            return put.apply(this, all);
          };
          const newer = storage.setJSON('k', { n: 5 });
          release();
          const code = await failedCode;
          await newer;
          await until(() => text() === 'ready 5');
          IDBObjectStore.prototype.put = put;

          // Nobody waits for this one.
          globalThis.failing = 'QuotaExceededError';
          hook.updateValue({ n: 6 });
          await until(() => text() === 'error 5');
          const error = String((hook.error as { code: string }).code);
          const more = [() => hook.updateValue((current) => ({ n: (current?.n ?? 0) + 1 })), () => hook.remove()];
          const codes = await Promise.all(more.map((change) => codeOf(change)));
          await until(() => text() === 'error 5');
          globalThis.failing = '';
          await hook.updateValue({ n: 7 });
          await until(() => text() === 'ready 7');
          const { value: same } = hook;
          await hook.updateValue({ n: 7 });
          return { first: first?.n, code, error, codes, kept: hook.value === same, after: hook.error };
        });
        expect(seen).toEqual({
          first: 1,
          code: 'ERR_QUOTA',
          error: 'ERR_QUOTA',
          codes: ['ERR_QUOTA', 'ERR_QUOTA'],
          kept: true,
          after: null,
        });
        const said = complaints.splice(0);
        expect(said.length).toBe(4);
        for (const line of said) expect(line).toContain('Failed to save encrypted value');
      });

      once(
        'functions get the latest value, in their order, and two tabs count together',
        async ({ page, context, site }) => {
          const other = await context.newPage();
          await openReact(other, site.url, version);
          await other.evaluate(
            (secret) => idbvault.createEncryptedStorage(undefined, undefined, { secret }).then(() => {}),
            secret,
          );
          const tabs = [page, other];
          for (const tab of tabs)
            await tab.evaluate(async () => {
              const Count = () => {
                const { value, updateValue } = hooks.useEncryptedStorage<number>('n');
                Object.assign(globalThis, { add: () => updateValue((n) => (n ?? 0) + 1), set: updateValue });
                return `n ${value}`;
              };
              mount(react.createElement(Count));
              await until(() => text() === 'n null');
            });
          await Promise.all(
            tabs.map((tab) =>
              tab.evaluate(() => {
                const { add } = globalThis as unknown as { add: () => Promise<void> };
                return Promise.all(Array.from({ length: 8 }, add)).then(() => {});
              }),
            ),
          );
          for (const tab of tabs) await tab.evaluate(() => until(() => text() === 'n 16'));
          // A value that is set after a function stays, though a function takes two turns.
          const last = await page.evaluate(async () => {
            const { add, set } = globalThis as unknown as {
              add: () => Promise<void>;
              set: (n: number) => Promise<void>;
            };
            await Promise.all([add(), set(100), add(), add(), set(200)]);
            return (await idbvault.createEncryptedStorage()).getJSON('n');
          });
          expect(last).toBe(200);
        },
      );

      once('what JSON cannot hold is refused, and what is no JSON is said', async ({ page, complaints }) => {
        const seen = await page.evaluate(async () => {
          const storage = await idbvault.createEncryptedStorage();
          await storage.setEncrypted('k', 'no JSON');
          let hook = {} as ReturnType<typeof hooks.useEncryptedStorage<unknown>>;
          const Value = () => {
            hook = hooks.useEncryptedStorage<unknown>('k');
            return hook.status;
          };
          mount(react.createElement(Value));
          await until(() => text() === 'error');
          const codes = [(hook.error as { code: string }).code];
          for (const value of [undefined, 1n, Promise.resolve(1), () => undefined, async () => 1, () => Symbol()])
            codes.push(await codeOf(() => hook.updateValue(value)));
          const own = await hook.updateValue(() => Promise.reject).catch((error: { code: string }) => error.code);
          const kept = await storage.getDecrypted('k');
          await hook.updateValue({ fine: true });
          await until(() => text() === 'ready');
          const thrown = await hook
            .updateValue(() => {
              throw new RangeError('of the application');
            })
            .catch((error: Error) => error.name);
          return { codes: [...new Set(codes)], own, thrown, kept };
        });
        expect(seen).toEqual({ codes: ['ERR_INVALID'], own: 'ERR_INVALID', thrown: 'RangeError', kept: 'no JSON' });
        expect(complaints.splice(0).length).toBe(9); // each was logged
      });

      test('in a transition, all components show the same value', async ({ page }) => {
        const torn = await page.evaluate(async () => {
          const h = react.createElement;
          const storage = await idbvault.createEncryptedStorage();
          await storage.setJSON('k', 0);
          let update: (n: number) => Promise<void> = async () => {};
          let setRows: (n: number) => void = () => {};
          const Row = () => {
            const { value, updateValue } = hooks.useEncryptedStorage<number>('k');
            update = updateValue;
            const end = performance.now() + 2;
            while (performance.now() < end); // so that React yields between rows
            return h('i', null, `${value} `);
          };
          const Rows = () => {
            const [rows, set] = react.useState(1);
            setRows = set;
            const torn = react.useRef(0);
            react.useLayoutEffect(() => {
              const values = new Set([...document.querySelectorAll('i')].map((row) => row.textContent));
              if (values.size > 1) torn.current++;
              document.title = `${torn.current} torn, ${document.querySelectorAll('i').length} rows`;
            });
            return Array.from({ length: rows }, (_, i) => h(Row, { key: i }));
          };
          mount(h(Rows));
          await until(() => text() === '0');
          react.startTransition(() => setRows(60));
          for (let n = 1; n <= 8; n++) {
            await new Promise((resolve) => setTimeout(resolve, 4));
            void update(n);
          }
          await until(() => document.querySelectorAll('i').length === 60);
          await until(() => new Set([...document.querySelectorAll('i')].map((row) => row.textContent)).size === 1);
          await until(() => text().startsWith('8 8'));
          return document.title;
        });
        expect(torn).toBe('0 torn, 60 rows');
      });

      test('useEncryptedValue suspends while it loads and while the vault is locked, and throws to the boundary', async ({
        page,
        complaints,
      }) => {
        const seen = await page.evaluate(async (secret) => {
          const h = react.createElement;
          const storage = await idbvault.createEncryptedStorage();
          await storage.setJSON('k', 'stored');
          const Value = ({ name }: { name: string }) => h('p', null, `value ${hooks.useEncryptedValue<string>(name)}`);
          class Boundary extends react.Component<{ children: ReactNode }, { error: { code?: string } | null }> {
            override state = { error: null as { code?: string } | null };
            static getDerivedStateFromError = (error: { code?: string }) => ({ error });
            override render() {
              const { error } = this.state;
              const again = () => this.setState({ error: null });
              return error
                ? h('button', { onClick: again, type: 'button' }, `caught ${error.code}`)
                : this.props.children;
            }
          }
          const suspended = (name: string) =>
            h(Boundary, null, h(react.Suspense, { fallback: h('p', null, 'wait') }, h(Value, { name })));
          const release = hold('decrypt');
          const root = mount(suspended('k'));
          await until(() => text() === 'wait');
          release();
          await until(() => text() === 'value stored');
          await storage.setJSON('k', 'newer');
          await until(() => text() === 'value newer');
          await storage.lock();
          await until(() => text() === 'wait');
          await storage.unlock(secret);
          await until(() => text() === 'value newer');
          root.render(h(react.StrictMode, null, suspended('absent')));
          await until(() => text() === 'value null');
          await storage.setEncrypted('bad', 'no JSON');
          root.render(h(react.StrictMode, null, suspended('bad')));
          await until(() => text() === 'caught ERR_INVALID');
          await storage.setJSON('bad', 'mended');
          await new Promise((resolve) => setTimeout(resolve));
          document.querySelector('button')?.click();
          await until(() => text() === 'value mended');
          return 'through';
        }, secret);
        expect(seen).toBe('through');
        // The hook says what it could not read, and React what a boundary caught.
        const said = complaints.splice(0).join();
        expect(said).toContain('Failed to load encrypted value');
        expect(said).not.toContain('no JSON"');
      });

      test('what a suspended component waits for is kept for it, and dropped when it never comes', async ({ page }) => {
        await page.evaluate(async () => {
          const h = react.createElement;
          const patient: (() => void)[] = [];
          const { setTimeout: wait } = globalThis;
          Object.assign(globalThis, {
            setTimeout: (f: () => void, ms: number) => (ms === 10_000 ? patient.push(f) : wait(f, ms)),
          });
          const storage = await idbvault.createEncryptedStorage();
          await storage.setJSON('k', 'stored');
          const Value = () => h('p', null, hooks.useEncryptedValue<string>('k'));
          const never = new Promise(() => {});
          const Never = () => {
            throw never;
          };
          const suspended = (...children: ReactNode[]) =>
            h(react.Suspense, { fallback: h('p', null, 'wait') }, ...children);
          const readAndLeave = async () => {
            const root = mount(suspended(h(Value), h(Never)));
            await until(() => text() === 'wait');
            await storage.getDecrypted('k'); // behind the hook's
            await new Promise((resolve) => wait(resolve));
            root.unmount();
            await new Promise((resolve) => wait(resolve));
          };
          await readAndLeave();
          let release = hold('decrypt');
          let root = mount(suspended(h(Value)));
          await until(() => text() === 'stored');
          root.unmount();
          await new Promise((resolve) => wait(resolve, 1));
          root = mount(suspended(h(Value)));
          await until(() => text() === 'wait');
          release();
          await until(() => text() === 'stored');
          root.unmount();
          await new Promise((resolve) => wait(resolve, 1));

          await readAndLeave();
          for (const end of patient.splice(0)) end();
          await new Promise((resolve) => wait(resolve, 1));
          release = hold('decrypt');
          mount(suspended(h(Value)));
          await until(() => text() === 'wait');
          release();
          await until(() => text() === 'stored');
        });
      });

      test('a server renders loading and loads no engine, and the browser goes on from there', async ({
        page,
        built,
      }) => {
        const { compile, compileStreaming, instantiate } = WebAssembly;
        const refuse = () => {
          throw new Error('a server loaded the engine');
        };
        Object.assign(WebAssembly, { compile: refuse, compileStreaming: refuse, instantiate: refuse });
        const { error } = console;
        const said: unknown[] = [];
        console.error = (...all) => said.push(all);
        const { hydratable, suspending } = await loadServer(version, built);
        const [, served = ''] = /^<p>([\w ]*)<\/p>$/.exec(hydratable()) ?? [];
        expect(served).toBe('loading loading loading');
        expect(suspending()).toContain('wait');
        await new Promise((resolve) => setTimeout(resolve, 50));
        console.error = error;
        expect(said).toEqual([]);
        Object.assign(WebAssembly, { compile, compileStreaming, instantiate });

        await page.evaluate(async (served) => {
          const h = react.createElement;
          await idbvault.createEncryptedStorage('db', undefined, { secret: 'correct horse battery' });
          const Statuses = () => {
            const { status } = hooks.useEncryptedStorage('k');
            return h('p', null, `${status} ${hooks.useVault().status} ${hooks.useEncryptedImage('k').status}`);
          };
          const div = document.body.appendChild(document.createElement('div'));
          const paragraph = document.createElement('p'); // a policy of Trusted Types takes no HTML
          paragraph.append(served);
          div.append(paragraph);
          const { EncryptedStorageProvider, EncryptedImage } = hooks;
          const image = h(EncryptedImage, { name: 'k', alt: '' });
          const tree = h(EncryptedStorageProvider, { database: 'db', prompt: () => 'locked' }, h(Statuses), image);
          hydrateRoot(div, h(react.StrictMode, null, tree));
          await until(() => text() === 'ready ready ready');
        }, served);
      });
    });
  });

bare("the built file begins with 'use client'", () => {
  expect(fs.readFileSync('web/dist/react.js', 'utf8')).toMatch(/^'use client';/);
});

bare('the code of docs/REACT.md, and of the README on React, is what test/types compiles', () => {
  const compiled = fs.readFileSync('test/types/react.tsx', 'utf8');
  const pages = ['docs/REACT.md', 'README.md'].map((file) => fs.readFileSync(file, 'utf8'));
  const blocks = pages.flatMap((page) => [...page.matchAll(/```tsx\n(.*?)```/gs)].map(([, code = '']) => code));
  expect(blocks.length).toBe(7);
  for (const block of blocks) expect(compiled).toContain(block.replace(/^import .*\n/gm, '').trim());
});
