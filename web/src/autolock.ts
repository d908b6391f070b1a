import { invalid } from './errors.ts';

/** When a vault is locked by itself. Another tab's use of the same vault counts as this one's. */
export interface AutoLock {
  /** After so many milliseconds, at least 1,000, without a key, a pointer or a wheel in any tab. */
  idleMs?: number | undefined;
  /** After so many milliseconds, at least 1,000, in which no tab was visible. */
  hiddenMs?: number | undefined;
  /**
   * When this page is left, on this page alone: a browser may keep it as it is, to come back to. A session of the origin ends
   * with it, or it would let the page in again; tabs that are open stay so.
   */
  onPageHide?: boolean | undefined;
}

/** Milliseconds between two messages to other tabs. */
const pause = 1000;

/** The longest that a timer takes. */
const longest = 2 ** 31 - 1;

const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel'];

function checkMs(option: string, ms: unknown): number {
  if (ms === undefined) return Number.POSITIVE_INFINITY;
  if (typeof ms !== 'number' || !(ms >= 1000 && ms <= longest))
    throw invalid(`The option autoLock.${option} must be a number of milliseconds from 1,000 to 2,147,483,647.`);
  return ms;
}

const ends = new Map<string, () => void>();

/**
 * Checks the options and returns what begins to lock the vault of a database as they say, instead of what was said before: by
 * `lock`, or by `leave` on this page alone.
 *
 * @throws VaultError `ERR_INVALID`
 */
export function autoLock(options: AutoLock): (database: string, lock: () => void, leave: () => void) => void {
  if (typeof options !== 'object') throw invalid('The option autoLock must be { idleMs, hiddenMs, onPageHide }.');
  const { onPageHide } = options;
  const idleMs = checkMs('idleMs', options.idleMs);
  const hiddenMs = checkMs('hiddenMs', options.hiddenMs);
  if (onPageHide !== undefined && typeof onPageHide !== 'boolean')
    throw invalid('The option autoLock.onPageHide must be true or false.');

  return (database, lock, leave) => {
    ends.get(database)?.();
    // The time of day goes on while a computer sleeps.
    let used = Date.now();
    let seen = used;
    let told = 0;
    let timer: ReturnType<typeof setTimeout>;
    const channel = globalThis.BroadcastChannel && new BroadcastChannel(`idbvault use ${database}`);
    const check = () => {
      clearTimeout(timer);
      const now = Date.now();
      if (!document.hidden) {
        seen = now;
        channel?.postMessage('seen');
      }
      let left = Math.min(used + idleMs, seen + hiddenMs) - now;
      if (left <= 0) {
        lock();
        used = seen = now; // once it is unlocked again, from there
        left = Math.min(idleMs, hiddenMs);
      }
      timer = setTimeout(check, Math.min(left, hiddenMs / 2, longest)); // others hear in time that this tab is visible
    };
    const use = () => {
      const now = Date.now();
      if (now - used >= idleMs) check(); // the timer is late, as after a sleep: a touch must not be faster
      used = now;
      if (now - told < pause) return;
      told = now;
      channel?.postMessage('used');
    };
    channel?.addEventListener('message', ({ data }) => {
      seen = Date.now();
      if (data === 'used') used = seen;
    });
    for (const sign of signs) addEventListener(sign, use, { capture: true, passive: true });
    document.addEventListener('visibilitychange', check);
    if (onPageHide) addEventListener('pagehide', leave);
    check();
    ends.set(database, () => {
      clearTimeout(timer);
      channel?.close();
      for (const sign of signs) removeEventListener(sign, use, { capture: true });
      document.removeEventListener('visibilitychange', check);
      removeEventListener('pagehide', leave);
    });
  };
}
