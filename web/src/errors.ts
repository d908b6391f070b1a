/** The stable codes of {@link VaultError}. SECURITY.md and the README say what each asks of the caller. */
export type VaultErrorCode =
  | 'ERR_INVALID'
  | 'ERR_NO_SECRET'
  | 'ERR_WRONG_SECRET'
  | 'ERR_WEAK'
  | 'ERR_INTEGRITY'
  | 'ERR_VERSION'
  | 'ERR_NOT_A_VAULT'
  | 'ERR_EVICTED'
  | 'ERR_LOCKED'
  | 'ERR_CLOSED'
  | 'ERR_QUOTA'
  | 'ERR_BLOCKED'
  | 'ERR_CONFLICT'
  | 'ERR_EXHAUSTED'
  | 'ERR_STORAGE'
  | 'ERR_UNSUPPORTED'
  | 'ERR_LOAD'
  | 'ERR_CRASHED'
  | 'ERR_INTERNAL';

/** The error that every call of idbvault fails with: a code to branch on, and a message that says what to do. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly code: VaultErrorCode;

  constructor(code: VaultErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export const invalid = (message: string): VaultError => new VaultError('ERR_INVALID', message);
