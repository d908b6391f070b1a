import { invalid } from './errors.ts';

/** Whether a string has no unpaired surrogate, and so has a UTF-8 form. */
export function isWellFormed(s: string): boolean {
  const native = (s as { isWellFormed?(): boolean }).isWellFormed;
  return native ? native.call(s) : !/\p{Surrogate}/u.test(s);
}

/** @throws VaultError `ERR_INVALID` for what is no text of so many bytes, as far as characters tell; Go counts the bytes */
export function checkText(text: unknown, least: number, most: number, what: string): string {
  if (typeof text !== 'string' || text.length < least || text.length > most || !isWellFormed(text))
    throw invalid(`${what} must be a string of ${least} to ${most} bytes of UTF-8.`);
  return text;
}
