import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { AuditLog, KeyStatus, RotationStatus } from '../src/keys.ts';
import type { Unlocked } from './app.tsx';
import { AuditTable } from './audit-table.tsx';
import { ChangePassphrase } from './change-passphrase.tsx';
import { Choice } from './choice.tsx';
import { tellInspector } from './inspector.ts';
import { KeyTable } from './key-table.tsx';
import { told } from './records.ts';
import { Refusal } from './refusal.tsx';
import { Rotation } from './rotation.tsx';
import { DemoKeys } from './vaults.ts';

const idleTimes = { 0: 'Off', 1: 'After 1 minute', 5: 'After 5 minutes', 15: 'After 15 minutes' };

interface Known {
  rotation: RotationStatus;
  status: KeyStatus | undefined;
  log: AuditLog | undefined;
}

/** The keys of the vault over its lifetime: what opens it, how old they are, and what was done with them. */
export function Keys({ unlocked, autoLock }: { unlocked: Unlocked; autoLock: number }) {
  const { records } = unlocked;
  const [keys, setKeys] = useState<DemoKeys | null>(null);
  const [known, setKnown] = useState<Known | null>(null);
  const [error, setError] = useState<unknown>(null);
  const refresh = useRefresh(unlocked, keys, setKnown, setError);

  useEffect(() => {
    DemoKeys.load().then(setKeys, setError);
  }, []);

  const changed = useCallback(() => {
    tellInspector();
    return refresh();
  }, [refresh]);

  const [notSaved, setNotSaved] = useState('');
  const chooseIdle = (minutes: string) =>
    records.setPreference({ autoLock: Number(minutes) }).then(
      () => setNotSaved(''),
      (failure: unknown) => setNotSaved(`Not saved. ${told(failure).message}`),
    );

  return (
    <section className="panel keys" aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <p>
        One passphrase opens both vaults of this page. Each class of data has a key of its own, which ages with time and
        with every write.
      </p>
      {error !== null && <Refusal error={error} />}
      <div className="parts">
        <div className="part">
          {keys && known && <Rotation keys={keys} status={known.rotation} progressed={refresh} changed={changed} />}
          {known?.status && <KeyTable status={known.status} />}
        </div>
        <div className="part">
          {keys && <ChangePassphrase keys={keys} changed={changed} />}
          <section className="part" aria-labelledby="auto-lock-title">
            <h3 id="auto-lock-title">Auto-lock</h3>
            <div className="fields">
              <Choice label="Without use" value={String(autoLock)} options={idleTimes} choose={chooseIdle} />
            </div>
            <p className="hint">A key or a pointer in any tab counts as use. The lock reaches all tabs.</p>
            <p role="alert" className={notSaved && 'error'}>
              {notSaved}
            </p>
          </section>
          {known?.log && <AuditTable log={known.log} />}
        </div>
      </div>
    </section>
  );
}

/** Asks what is known of the keys whenever it may have changed, and returns what asks once more. */
function useRefresh(
  { records, space }: Unlocked,
  keys: DemoKeys | null,
  show: (known: Known) => void,
  fail: (error: unknown) => void,
): () => Promise<void> {
  const snapshot = useSyncExternalStore(records.subscribe, () => records.snapshot);
  const used = useSyncExternalStore(space.subscribe, () => space.used);
  const asking = useRef<Promise<void> | null>(null);
  const again = useRef(false);

  const refresh = useCallback(async () => {
    if (!keys) return;
    again.current = true;
    asking.current ??= (async () => {
      // What changes meanwhile is asked for once, after it: a rotation calls this at each step.
      while (again.current) {
        again.current = false;
        const [rotation, status, log] = await Promise.all([
          keys.vault.rotationStatus(),
          keys.vault.keyStatus(),
          keys.vault.auditLog(),
        ]);
        show({ rotation, status, log });
        fail(null);
      }
    })()
      .catch((error: unknown) => {
        if (!records.locked) fail(error);
      })
      .finally(() => {
        asking.current = null;
      });
    await asking.current;
  }, [records, keys, show, fail]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a write that these tell of is counted by the keys
  useEffect(() => void refresh(), [refresh, snapshot, used]);

  useEffect(() => {
    const look = () => void refresh();
    document.addEventListener('visibilitychange', look); // another tab may have rotated
    const end = records.onSecurity(look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      end();
    };
  }, [records, refresh]);

  return refresh;
}
