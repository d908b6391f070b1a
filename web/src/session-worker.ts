// The SharedWorker of a session. It holds the key handles of unlocked vaults in its memory and writes nothing anywhere. It
// listens to its ports and to nothing else.

/** An entry of the page's table of keys. */
export interface SessionKey {
  group: string;
  name: string;
  key: CryptoKey;
}

/** What a tab says of the vault of a database. Each is answered, in order. */
export interface SessionRequest {
  database: string;
  /** `look` asks for the generation alone. */
  type: 'look' | 'take' | 'give' | 'drop';
  keys?: SessionKey[];
  /** For `give`, that in which the unlock of these keys began. */
  generation?: number | undefined;
}

export interface SessionAnswer {
  /** Rises with each drop. Keys of an earlier one are not taken: the vault was locked while it was being unlocked. */
  generation: number;
  /** For `take`. */
  keys: SessionKey[];
}

const vaults = new Map<string, SessionAnswer>();

function answer({ database, type, keys = [], generation }: SessionRequest): SessionAnswer {
  let vault = vaults.get(database) ?? { generation: 0, keys: [] };
  if (type === 'drop') vault = { generation: vault.generation + 1, keys: [] };
  if (type === 'give' && generation === vault.generation) vault = { generation, keys };
  vaults.set(database, vault);
  return type === 'take' ? vault : { ...vault, keys: [] };
}

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<SessionRequest>) => port.postMessage(answer(data));
  // WebKitGTK's shared workers cannot read a key. It is not held, then, and who gave it need not wait for an answer.
  port.onmessageerror = () => port.postMessage({ generation: 0, keys: [] } satisfies SessionAnswer);
});
