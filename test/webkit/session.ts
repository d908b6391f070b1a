import { setTimeout } from 'node:timers/promises';

// What of the W3C's WebDriver protocol the tests need.

/** A browser that a driver has started. It carries out one command after the other. */
export class Session {
  readonly #url: string;
  #last: Promise<unknown> = Promise.resolve();
  #tabs = 0;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Has the driver that listens, or soon will, at a URL start a browser. */
  static async start(driver: string, capabilities: object): Promise<Session> {
    for (let tries = 0; !(await fetch(`${driver}/status`).catch(() => undefined))?.ok; tries++) {
      if (tries > 400) throw new Error('The WebDriver does not answer.');
      await setTimeout(25); // nothing tells that it listens
    }
    const wanted = { capabilities: { alwaysMatch: { ...capabilities, timeouts: { script: 120_000 } } } };
    const { sessionId } = await send<{ sessionId: string }>('POST', `${driver}/session`, wanted);
    return new Session(`${driver}/session/${sessionId}`);
  }

  /** Opens a tab. The first is the one that the browser came with. */
  async newTab(): Promise<Tab> {
    const handle = await this.#inTurn(async () => {
      if (this.#tabs++ === 0) return this.#send<string>('GET', '/window');
      return (await this.#send<{ handle: string }>('POST', '/window/new', {})).handle;
    });
    return new Tab((method, path, body) =>
      this.#inTurn(async () => {
        await this.#send('POST', '/window', { handle });
        return this.#send(method, path, body);
      }),
    );
  }

  /** Closes the browser. */
  end(): Promise<unknown> {
    return this.#inTurn(() => this.#send('DELETE', ''));
  }

  #send<T>(method: string, path: string, body?: object): Promise<T> {
    return send(method, this.#url + path, body);
  }

  /** A command is for the window that was chosen last, so that nothing may come between. */
  #inTurn<T>(commands: () => Promise<T>): Promise<T> {
    const done = this.#last.then(commands);
    this.#last = done.catch(() => {});
    return done;
  }
}

type Command = (method: string, path: string, body?: object) => Promise<unknown>;

/** A window or tab of a browser, with those methods of Playwright's Page that the tests' own helpers call. */
export class Tab {
  readonly #command: Command;
  readonly #scripts: string[] = [];

  constructor(command: Command) {
    this.#command = command;
  }

  async goto(url: string): Promise<void> {
    await this.#command('POST', '/url', { url });
    await this.#begin();
  }

  async reload(): Promise<void> {
    await this.#command('POST', '/refresh', {});
    await this.#begin();
  }

  /** Has a script run in each document from now on, when it is there: sooner, the protocol has no means for. */
  async addInitScript(script: string): Promise<void> {
    this.#scripts.push(script);
  }

  async #begin(): Promise<void> {
    for (const script of this.#scripts) await this.#command('POST', '/execute/sync', { script, args: [] });
  }

  /** Runs a function in the page. Argument and result are what JSON takes. */
  async evaluate<R, A>(work: (argument: A) => R | Promise<R>, argument?: A): Promise<R> {
    const script = `const [argument, done] = arguments;
      Promise.resolve(argument).then(${work}).then((value) => done({ value }), (error) => done({ error: error + '\\n' + error?.stack }));`;
    const answer = await this.#command('POST', '/execute/async', { script, args: [argument ?? null] });
    const { value, error } = answer as { value: R; error?: string };
    if (error !== undefined) throw new Error(`In the page: ${error}`);
    return value;
  }
}

async function send<T>(method: string, url: string, body?: object): Promise<T> {
  const response = await fetch(url, { method, body: body ? JSON.stringify(body) : null });
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
  if (!response.ok) throw new Error(`WebDriver: ${value.error}, ${value.message}`);
  return value;
}
