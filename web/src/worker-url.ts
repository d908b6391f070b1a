interface Policies {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

let policy: ReturnType<Policies['createPolicy']> | undefined;

/**
 * Returns the address of one of the package's own workers as a constructor takes it, also on a page that requires Trusted
 * Types. A page whose policy lists the names of `trusted-types` must list `idbvault-session`.
 */
export function workerUrl(url: URL): URL {
  const { trustedTypes } = globalThis as { trustedTypes?: Policies };
  policy ??= trustedTypes?.createPolicy('idbvault-session', { createScriptURL: (own) => own });
  return policy ? (policy.createScriptURL(url.href) as URL) : url;
}
