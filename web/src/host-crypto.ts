import { join, type Steps, threw, view } from './host.ts';

/**
 * The steps of SubtleCrypto that every record takes. What is small lies in the shared page; SubtleCrypto copies it when it is
 * called. Each adds a value to the call's slot, whose place it returns, and settles the call when all values of the step are
 * there.
 */
export function cryptoSteps({ shared, slot, settle, at: valueAt, add }: Steps) {
  const { subtle } = crypto;
  const nothing = new Uint8Array(0);
  const gcm = { name: 'AES-GCM', tagLength: 128, iv: nothing, additionalData: nothing };
  const ivSize = 12;

  const promised = (id: number, start: (values: unknown[]) => Promise<unknown>): number => {
    const call = slot(id);
    const at = add(id, undefined);
    call.pending++;
    const landed = () => {
      if (--call.pending > 0 || call.asking || slot(id) !== call) return;
      const { failure } = call;
      call.failure = undefined;
      settle(id, failure?.error, failure ? 1 : 0);
    };
    const failed = (error: unknown) => {
      call.failure ??= { error };
      landed();
    };
    try {
      start(call.values).then((value) => {
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
    /** Lets go of the page, and so of the instance's memory. */
    clear() {
      gcm.iv = gcm.additionalData = nothing;
    },
    functions: {
      /** Calls a function of SubtleCrypto. In the place of what is undefined come values a and b. */
      run: (id: number, f: (...all: unknown[]) => Promise<unknown>, a: number, b: number, ...all: unknown[]) =>
        promised(id, () => {
          const places = [a, b];
          return f(...all.map((x) => (x === undefined ? valueAt(id, places.shift() as number) : x)));
        }),
    },
    steps: {
      /** HMAC of n bytes under the key that is value k. */
      sign: (id: number, k: number, n: number) =>
        promised(id, () => subtle.sign('HMAC', valueAt(id, k) as CryptoKey, shared().subarray(0, n))),
      /** Seals a head from the page with value i behind it; either may be missing. */
      seal: (id: number, k: number, aad: number, head: number, i: number) =>
        promised(id, (values) => {
          const page = shared();
          const end = params(page, aad);
          const value = view(values[i]);
          return subtle.encrypt(
            gcm,
            valueAt(id, k) as CryptoKey,
            head ? join(page.subarray(end, end + head), value) : value,
          );
        }),
      /** Whether promises of the call are pending (1), or the first of those before that failed. */
      pending(id: number) {
        const call = slot(id);
        if (call.pending) return 1;
        const { failure } = call;
        if (!failure) return 0;
        call.failure = undefined;
        call.value = failure.error;
        return threw;
      },
      /** Opens value i from offset on. */
      open: (id: number, k: number, aad: number, i: number, offset: number) =>
        promised(id, (values) => {
          params(shared(), aad);
          return subtle.decrypt(gcm, valueAt(id, k) as CryptoKey, view(values[i], offset));
        }),
    },
  };
}
