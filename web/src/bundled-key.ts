let warned = false;

/** Says once that a secret which everybody can read in the bundle keeps nothing secret. Vite puts it in the place of the expression. */
export function warnOfBundledKey(): void {
  if (warned || !import.meta.env?.VITE_ENCRYPTION_KEY) return;
  warned = true;
  console.warn(
    'idbvault: VITE_ENCRYPTION_KEY lies in the files of this application, where everybody can read it, so it is no secret. Use it in development; in production ask the user for a passphrase and give it as the option secret.',
  );
}
