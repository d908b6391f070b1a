import { useCallback, useEffect, useRef, useState } from 'react';
import { createPortal, flushSync } from 'react-dom';
import { type EncryptedStorage, VaultError } from '../src/index.ts';
import { DeleteVault } from './delete-vault.tsx';
import { startInspector, tellInspector } from './inspector.ts';
import { Opened } from './opened.tsx';
import { Records, told } from './records.ts';
import { Report } from './report.tsx';
import { Space } from './space.ts';
import { Unlock } from './unlock.tsx';
import { destroyVaults, lockGuide, openVault, unlockGuide, vaultExists } from './vaults.ts';
import { Viewing } from './viewing.ts';

/** What the page has of an unlocked vault. */
export interface Unlocked {
  records: Records;
  viewing: Viewing;
  space: Space;
}

/** The guide's vault, which is opened after the demo's: `opening`, `open`, or why it is not. */
export type Guide = 'opening' | 'open' | { error: unknown };

export function App() {
  const [exists, setExists] = useState<boolean | null>(null);
  const [unlocked, setUnlocked] = useState<Unlocked | null>(null);
  const [guide, setGuide] = useState<Guide>('opening');
  const [message, setMessage] = useState('');
  const [again, setAgain] = useState(false);
  const readAll = useRef<() => void>(() => {});
  const asked = useRef(false);

  const look = useCallback(async () => {
    setExists(await vaultExists());
    tellInspector();
  }, []);

  useEffect(() => {
    readAll.current = () => {
      void unlocked?.records.readAll();
      void unlocked?.viewing.readAgain();
    };
  }, [unlocked]);

  useEffect(() => {
    void look();
    startInspector(() => readAll.current()).catch((error: unknown) => {
      setMessage(`The inspector did not start: ${told(error).message}`);
    });
  }, [look]);

  // Called in the midst of the locking, of this tab or another, and by the clock of auto-lock.
  const locked = (remote: boolean) => {
    const reason = remote ? 'Another tab locked the vault.' : 'Nobody was there, so the vault has locked itself.';
    // The guide's component goes before its vault is locked: it would show an error.
    flushSync(() => {
      setUnlocked(null);
      setAgain(true);
      setMessage(asked.current ? 'The vault is locked, in all tabs.' : reason);
    });
    delete document.documentElement.dataset.theme;
    if (!remote) void lockGuide(); // where it was remote, that tab does
  };

  const lock = async () => {
    asked.current = true;
    await unlocked?.records.lock();
    asked.current = false;
  };

  const unlock = async (secret: string) => {
    setMessage('');
    const storage = await openVault(secret, exists === true).catch(async (error: unknown) => {
      await look(); // another tab may have made or deleted it meanwhile
      throw error;
    });
    // Only a passphrase that opened the first vault is let near the second: there it might be the one that makes it.
    setGuide('opening');
    unlockGuide(secret).then(
      () => setGuide('open'),
      (error: unknown) => setGuide({ error }),
    );
    setUnlocked(await firstReading(storage, locked));
    await look();
    setMessage(exists ? '' : 'The vault is made, with two samples in it.');
  };

  const destroy = async () => {
    await destroyVaults();
    unlocked?.records.close();
    unlocked?.viewing.close();
    unlocked?.space.close();
    setUnlocked(null);
    delete document.documentElement.dataset.theme;
    await look();
    setMessage('The vault is deleted. There is nothing left of it on this device.');
  };

  const report = document.getElementById('read-report');
  return (
    <>
      <div className="bar" hidden={!unlocked && !message}>
        {unlocked && (
          <p className="state">
            <span className="lamp" aria-hidden="true" /> Unlocked
          </p>
        )}
        <p role="status">{message}</p>
        {unlocked && (
          <button type="button" onClick={lock}>
            Lock
          </button>
        )}
      </div>
      {unlocked && <Opened unlocked={unlocked} guide={guide} say={setMessage} />}
      {!unlocked && exists !== null && <Unlock exists={exists} again={again} unlock={unlock} />}
      {exists && <DeleteVault forgot={!unlocked} destroy={destroy} />}
      {report && createPortal(<Report unlocked={unlocked} />, report)}
    </>
  );
}

async function firstReading(storage: EncryptedStorage, locked: (remote: boolean) => void): Promise<Unlocked> {
  const records = new Records(storage, tellInspector, locked);
  await records.readAll();
  if (records.snapshot.list.state === 'absent') await records.addTwoSamples();
  const [viewing, space] = await Promise.all([Viewing.open(), Space.open(tellInspector)]);
  if (records.locked) throw new VaultError('ERR_LOCKED', 'The vault was locked while it was being opened.');
  return { records, viewing, space };
}
