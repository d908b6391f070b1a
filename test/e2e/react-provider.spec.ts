// biome-ignore-all lint/correctness/noComponentHookFactories: a test's components live in its page
import type { EncryptedStorage } from '../../web/src/index.ts';
import type { PromptProps, Vault } from '../../web/src/react.ts';
import { expect, openReact, reopen, secret, reactTest as test, versions } from './react-page.ts';

// The provider, its vault and its images, each test with React 18 and 19, under StrictMode.

test.skip(({ browserName }) => browserName !== 'chromium', 'the hooks are the same in every engine');

declare global {
  /** What the component that was rendered last got. */
  var vaultNow: Vault;
}

for (const version of versions)
  test.describe(`React ${version}`, () => {
    // What does not touch React is tried with one of the two.
    const once = version === '19' ? test : test.skip;
    test.beforeEach(({ page, site }) => openReact(page, site.url, version));

    test('a prompt makes the vault, opens it after a reload, and is back after a lock of any tab; no secret stays in React', async ({
      page,
      context,
      site,
    }) => {
      const prepare = (tab: typeof page) =>
        tab.evaluate(() => {
          const h = react.createElement;
          const Prompt = ({ unlock, error, exists }: PromptProps) =>
            h(
              'form',
              {
                onSubmit(event: { preventDefault(): void; currentTarget: HTMLFormElement }) {
                  event.preventDefault();
                  const field = event.currentTarget.elements.namedItem('secret') as HTMLInputElement;
                  unlock(field.value);
                  field.value = '';
                },
              },
              h('p', null, `${exists ? 'enter' : 'choose'} ${(error as { code?: string } | null)?.code ?? ''}`),
              h('input', { name: 'secret' }),
              h('button', null, 'unlock'),
            );
          const Note = () => {
            const { value, status, updateValue } = hooks.useEncryptedStorage<string>('note');
            globalThis.vaultNow = hooks.useVault();
            return h('button', { onClick: () => updateValue('kept') }, `${status} ${value}`);
          };
          const { EncryptedStorageProvider } = hooks;
          mount(h(EncryptedStorageProvider, { database: 'db', store: 'st', prompt: Prompt }, h(Note)));
        });
      /** Whether something that React keeps, from its root down, holds a text. */
      const inReact = (what: string) =>
        page.evaluate((what) => {
          const div = document.body.lastElementChild as unknown as Record<string, unknown>;
          const name = Object.keys(div).find((key) => key.startsWith('__reactContainer')) as string;
          const seen = new Set<unknown>();
          const has = (value: unknown): boolean => {
            if (typeof value === 'string') return value.includes(what);
            if (typeof value !== 'object' || value === null || seen.has(value) || value instanceof Node) return false;
            seen.add(value);
            return Object.values(value).some(has);
          };
          return has(div[name]);
        }, what);
      const unlock = async (tab: typeof page, secret: string) => {
        await tab.getByRole('textbox').fill(secret);
        await tab.getByText('unlock', { exact: true }).click();
      };
      await prepare(page);
      await expect(page.getByRole('paragraph')).toHaveText('choose ');
      await unlock(page, 'short');
      await expect(page.getByRole('paragraph')).toHaveText('choose ERR_INVALID');
      await unlock(page, secret);
      await page.getByText('ready null').click();
      await expect(page.getByRole('button')).toHaveText('ready kept');
      expect([await inReact(secret), await inReact('kept')]).toEqual([false, true]);
      await reopen(page, site.url, version);
      await prepare(page);
      await expect(page.getByRole('paragraph')).toHaveText('enter ');
      await unlock(page, 'wrong horse battery');
      await expect(page.getByRole('paragraph')).toHaveText('enter ERR_WRONG_SECRET');
      await unlock(page, secret);
      await expect(page.getByRole('button')).toHaveText('ready kept');
      await page.evaluate(() => vaultNow.lock());
      await expect(page.getByRole('paragraph')).toHaveText('enter ');
      await unlock(page, secret);
      await expect(page.getByRole('button')).toHaveText('ready kept');
      expect(await inReact(secret)).toBe(false);
      const other = await context.newPage();
      await openReact(other, site.url, version);
      await prepare(other);
      await unlock(other, secret);
      await expect(other.getByRole('button')).toHaveText('ready kept');
      await other.evaluate(() => vaultNow.lock());
      await expect(page.getByRole('paragraph')).toHaveText('enter ');
    });

    test('a lock drops what hooks show, and what is on its way; an unlock brings it back', async ({ page }) => {
      const seen = await page.evaluate(async (secret) => {
        const h = react.createElement;
        const shown: string[] = [];
        let hook = {} as ReturnType<typeof hooks.useEncryptedStorage<string>>;
        const Note = () => {
          hook = hooks.useEncryptedStorage<string>('note');
          globalThis.vaultNow = hooks.useVault();
          shown.push(`${hook.status} ${hook.value} ${vaultNow.status}`);
          return hook.status;
        };
        let asked = 0;
        const ask = async () => {
          asked++;
          return secret;
        };
        const { EncryptedStorageProvider } = hooks;
        mount(h(EncryptedStorageProvider, { database: 'db', secret: ask, children: h(Note) }));
        await until(() => text() === 'ready');
        await hook.updateValue('one');
        let release = hold('encrypt');
        const writing = codeOf(() => hook.updateValue('two'));
        await until(() => text() === 'saving');
        const locking = vaultNow.lock();
        await until(() => text() === 'locked');
        const atLock = [hook.value, hook.error, vaultNow.locked, vaultNow.exists, vaultNow.error];
        release();
        await locking;
        const written = await writing;
        const refused = await codeOf(() => hook.updateValue('three'));
        const wrong = await codeOf(() => vaultNow.unlock('wrong horse battery'));
        const stayed = [hook.status, (vaultNow.error as { code: string }).code, asked];
        await vaultNow.unlock(secret);
        await until(() => text() === 'ready');
        const back = hook.value;
        // A read that a lock overtakes.
        release = hold('decrypt');
        const storage = vaultNow.storage as EncryptedStorage;
        await storage.setJSON('note', 'four');
        const lockingAgain = storage.lock();
        await until(() => text() === 'locked');
        release();
        await lockingAgain;
        await vaultNow.unlock(); // asks
        await until(() => text() === 'ready');
        return { atLock, written, refused, wrong, stayed, back, last: hook.value, asked, shown };
      }, secret);
      expect(seen).toMatchObject({
        atLock: [null, null, true, true, null],
        refused: 'ERR_LOCKED',
        wrong: 'ERR_WRONG_SECRET',
        stayed: ['locked', 'ERR_WRONG_SECRET', 1],
        back: seen.written === 'no error' ? 'two' : 'one',
        last: 'four',
        asked: 2,
      });
      for (const line of seen.shown) expect(line).not.toMatch(/locked (one|two|four)/);
    });

    test('one storage for all providers of a store, which StrictMode does not open twice, closed with the last', async ({
      page,
    }) => {
      const seen = await page.evaluate(async (secret) => {
        const h = react.createElement;
        await import(`${location.origin}/some/folder/later.js`); // which listens once, by itself
        let opened = 0;
        const listen = idbvault.securityEvents.addEventListener;
        idbvault.securityEvents.addEventListener = function (...all: Parameters<typeof listen>) {
          opened++; // each storage does so once
          return listen.apply(this, all);
        };
        let asked = 0;
        const ask = () => {
          asked++;
          return secret;
        };
        const storages = new Set<EncryptedStorage>();
        const Note = () => {
          const { storage } = hooks.useVault();
          if (storage) storages.add(storage);
          return `${hooks.useEncryptedStorage<string>('note').status} `;
        };
        const provider = (key: string) =>
          h(hooks.EncryptedStorageProvider, { database: 'db', secret: ask, key }, h(Note));
        const one = mount(provider('1'));
        const two = mount([provider('2'), provider('3')]);
        await until(() => text() === 'ready\nready ready');
        const [storage] = storages as Set<EncryptedStorage>;
        one.unmount();
        two.render(h(react.StrictMode, null, provider('4')));
        await until(() => text() === 'ready');
        const open = await codeOf(() => storage?.count());
        const times = [opened, asked, storages.size];
        two.unmount();
        await until(async () => (await codeOf(() => storage?.count())) === 'ERR_CLOSED');
        mount(provider('5'));
        await until(() => text() === 'ready');
        return { open, times, after: [opened, asked, storages.size] };
      }, secret);
      expect(seen).toEqual({ open: 'no error', times: [1, 1, 1], after: [2, 1, 2] });
    });

    once('a secret that is no function is refused, and one that fails is told', async ({ page, complaints }) => {
      const seen = await page.evaluate(async (secret) => {
        const h = react.createElement;
        let caught: { code?: string; message?: string } = {};
        class Boundary extends react.Component<{ children?: import('react').ReactNode }> {
          override state = { failed: false };
          static getDerivedStateFromError(error: object) {
            caught = error;
            return { failed: true };
          }
          override render() {
            return this.state.failed ? 'refused' : this.props.children;
          }
        }
        const given = secret as unknown as () => string;
        mount(h(Boundary, null, h(hooks.EncryptedStorageProvider, { database: 'db', secret: given })));
        await until(() => text() === 'refused');
        const Status = () => {
          const { status, error } = hooks.useVault();
          return ` ${status} ${error}`;
        };
        const cancelled = () => Promise.reject('cancelled');
        mount(h(hooks.EncryptedStorageProvider, { database: 'other', secret: cancelled }, h(Status)));
        await until(() => text().endsWith('locked cancelled'));
        const options = { sesion: 'origin' } as object;
        mount(h(hooks.EncryptedStorageProvider, { database: 'third', secret: () => secret, options }, h(Status)));
        await until(() => text().includes('error VaultError: There is no option sesion'));
        const autoLock = { idleMs: 1 };
        mount(h(hooks.EncryptedStorageProvider, { database: 'fourth', secret: () => secret, autoLock }, h(Status)));
        await until(() => text().includes('error VaultError: The option autoLock.idleMs'));
        mount(h(Status)); // the default vault, without a secret
        await until(() => text().includes('locked VaultError'));
        return { ...caught, message: caught.message, made: (await indexedDB.databases()).length };
      }, secret);
      expect(seen).toMatchObject({ code: 'ERR_INVALID', made: 0 });
      expect(seen.message).toContain('React keeps properties');
      expect(complaints.splice(0).join()).not.toContain(secret);
    });

    once('useVault rotates with progress, and tells the age of the keys', async ({ page }) => {
      const seen = await page.evaluate(async (secret) => {
        const h = react.createElement;
        const progress: (number | undefined)[] = [];
        const Rotation = () => {
          globalThis.vaultNow = hooks.useVault();
          progress.push(vaultNow.progress?.done);
          return vaultNow.status;
        };
        const { EncryptedStorageProvider } = hooks;
        mount(h(EncryptedStorageProvider, { database: 'db', secret: () => secret }, h(Rotation)));
        await until(() => text() === 'ready');
        await vaultNow.storage?.setJSON('k', 1);
        const { rotate, keyStatus } = vaultNow;
        const before = await keyStatus();
        const told: number[] = [];
        const { records } = await rotate({ secret, onProgress: ({ done }) => told.push(done) });
        await until(() => vaultNow.progress === null);
        const loaded = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/keys.js')).length;
        const after = await keyStatus();
        return {
          epochs: [before.epoch, after.epoch],
          records,
          told: told.length,
          loaded,
          shown: progress.some((n) => n === 1),
        };
      }, secret);
      expect(seen).toMatchObject({ epochs: [1, 2], records: 1, loaded: 1, shown: true });
      expect(seen.told).toBeGreaterThan(0);
    });

    test('images: one bitmap for all components, drawn, renewed by a write, closed by a lock and by the last that goes', async ({
      page,
      complaints,
    }) => {
      const seen = await page.evaluate(async (secret) => {
        const h = react.createElement;
        const picture = async (width: number, color: string) => {
          const canvas = new OffscreenCanvas(width, 2);
          const drawing = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
          drawing.fillStyle = color;
          drawing.fillRect(0, 0, width, 2);
          return canvas.convertToBlob({ type: 'image/png' });
        };
        const pixelOf = (canvas: HTMLCanvasElement, x: number) => {
          const drawing = new OffscreenCanvas(1, 1).getContext('2d') as OffscreenCanvasRenderingContext2D;
          drawing.drawImage(canvas, -x, 0);
          return [...drawing.getImageData(0, 0, 1, 1).data];
        };
        const images = new Set<ImageBitmap>();
        const last = () => [...images].at(-1) as ImageBitmap;
        const Status = () => {
          const { image, status } = hooks.useEncryptedImage('image:1');
          if (image) images.add(image);
          globalThis.vaultNow = hooks.useVault();
          return h('p', null, `${status} ${image?.width}`);
        };
        const ref = react.createRef<HTMLCanvasElement>();
        const { EncryptedImage, EncryptedStorageProvider } = hooks;
        const shown = [
          h(Status, { key: 1 }),
          h(EncryptedImage, {
            key: 2,
            name: 'image:1',
            alt: 'a slice',
            className: 'slice',
            fallback: h('p', null, 'none'),
            ref,
          }),
        ];
        const within = (...children: import('react').ReactNode[]) =>
          h(react.StrictMode, null, h(EncryptedStorageProvider, { database: 'db', secret: () => secret }, ...children));
        const root = mount(within(shown));
        await until(() => text() === 'ready undefined\n\nnone');
        const storage = vaultNow.storage as EncryptedStorage;
        await storage.setEncrypted('image:1', await picture(3, 'rgb(200, 100, 50)'), 'phi');
        await until(() => text() === 'ready 3' && ref.current);
        const canvas = ref.current as HTMLCanvasElement;
        const pixel = pixelOf(canvas, 2);
        const attributes = [
          canvas.getAttribute('role'),
          canvas.ariaLabel,
          canvas.className,
          canvas.width,
          canvas.height,
        ];
        const first = last();
        await storage.setEncrypted('image:1', await picture(5, 'rgb(0, 0, 255)'), 'phi');
        await until(() => text() === 'ready 5' && canvas.width === 5);
        const renewed = [first.width, last().width, ...pixelOf(canvas, 4)];
        await storage.lock();
        await until(() => text() === 'locked undefined\n\nnone');
        const locked = [...images].map(({ width }) => width);
        const pixels = canvas.width;
        await storage.unlock(secret);
        await until(() => text() === 'ready 5');
        // A decode that a lock overtakes is closed, too.
        const decode = globalThis.createImageBitmap;
        let late: ImageBitmap | undefined;
        let decoded = () => {};
        globalThis.createImageBitmap = async (...all: unknown[]) => {
          late = await (decode as (...all: unknown[]) => Promise<ImageBitmap>)(...all);
          await new Promise<void>((resolve) => {
            decoded = resolve;
          });
          return late;
        };
        await storage.setEncrypted('image:1', await picture(7, 'red'), 'phi');
        await until(() => late);
        await storage.lock();
        decoded();
        await until(() => late?.width === 0);
        globalThis.createImageBitmap = decode;
        await storage.unlock(secret);
        await until(() => text() === 'ready 7');
        root.render(within(h(EncryptedImage, { name: 'image:1', alt: 'the same' })));
        await until(() => text() === '');
        const kept = last().width;
        root.render(within());
        await until(() => last().width === 0);
        await storage.setEncrypted('image:1', 'no image');
        root.render(within(shown));
        await until(() => text() === 'error undefined\n\nnone');
        return { pixel, attributes, renewed, locked, pixels, kept, count: images.size };
      }, secret);
      expect(seen).toEqual({
        pixel: [200, 100, 50, 255],
        attributes: ['img', 'a slice', 'slice', 3, 2],
        renewed: [0, 5, 0, 0, 255, 255],
        locked: [0, 0],
        pixels: 0,
        kept: 7,
        count: 4,
      });
      expect(complaints.splice(0).join()).toContain(
        'Failed to load encrypted value: VaultError: The value is no image',
      );
    });
  });
