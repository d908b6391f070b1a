import { join, type Steps, view } from './host.ts';

/**
 * The steps of SubtleCrypto that every record takes. What is small lies in the shared page; SubtleCrypto copies it when it is
 * called. Each adds a value to the call's slot, whose place it returns, and settles the call when all values of the step are
 * there.
 */
export function cryptoSteps({ shared, slot, settle, add }: Steps) {
  const { subtle } = crypto;
  const gcm = { name: 'AES-GCM', tagLength: 128, iv: new Uint8Array(0), additionalData: new Uint8Array(0) };
  const ivSize = 12;

  const promised = (id: number, start: (key: CryptoKey) => Promise<unknown>): number => {
    const call = slot(id);
    const at = add(id, undefined);
    call.pending++;
    const landed = () => {
      if (--call.pending > 0 || slot(id) !== call) return;
      const { failure } = call;
      call.failure = undefined;
      settle(id, failure?.error, failure ? 1 : 0);
    };
    const failed = (error: unknown) => {
      call.failure ??= { error };
      landed();
    };
    try {
      start(call.key as CryptoKey).then((value) => {
        call.values[at] = value;
        landed();
      }, failed);
    } catch (error) {
      queueMicrotask(() => failed(error)); // such as a buffer that there is no memory for
    }
    return at;
  };

  /** Takes the IV and the associated data, which lie in the page one behind the other, and returns what comes then. */
  const params = (page: Uint8Array<ArrayBuffer>, aad: number): number => {
    gcm.iv = page.subarray(0, ivSize);
    gcm.additionalData = page.subarray(ivSize, ivSize + aad);
    return ivSize + aad;
  };

  return {
    functions: {
      /** Gives a call the key of its next steps. */
      key(id: number, key: CryptoKey) {
        slot(id).key = key;
      },
    },
    steps: {
      /** HMAC of n bytes. */
      sign: (id: number, n: number) => promised(id, (key) => subtle.sign('HMAC', key, shared().subarray(0, n))),
      /** Seals a head from the page with value i behind it; either may be missing. */
      seal: (id: number, aad: number, head: number, i: number) =>
        promised(id, (key) => {
          const page = shared();
          const end = params(page, aad);
          const value = view(slot(id).values[i]);
          return subtle.encrypt(gcm, key, head ? join(page.subarray(end, end + head), value) : value);
        }),
      /** Opens value i from offset on. */
      open: (id: number, aad: number, i: number, offset: number) =>
        promised(id, (key) => {
          params(shared(), aad);
          return subtle.decrypt(gcm, key, view(slot(id).values[i], offset));
        }),
    },
  };
}
