import { useCallback, useEffect, useRef, useState } from 'react';
import { createPortal, flushSync } from 'react-dom';
import { type EncryptedStorage, VaultError } from '../src/index.ts';
import { DeleteVault } from './delete-vault.tsx';
import { startInspector, tellInspector } from './inspector.ts';
import { Opened } from './opened.tsx';
import { Records, told } from './records.ts';
import { Report } from './report.tsx';
import { Unlock } from './unlock.tsx';
import { destroyVaults, lockGuide, openVault, unlockGuide, vaultExists } from './vaults.ts';

export function App() {
  const [exists, setExists] = useState<boolean | null>(null);
  const [records, setRecords] = useState<Records | null>(null);
  const [guideError, setGuideError] = useState<unknown>(null);
  const [message, setMessage] = useState('');
  const [again, setAgain] = useState(false);
  const readAll = useRef<() => void>(() => {});
  const asked = useRef(false);

  const look = useCallback(async () => {
    setExists(await vaultExists());
    tellInspector();
  }, []);

  useEffect(() => {
    readAll.current = () => void records?.readAll();
  }, [records]);

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
      setRecords(null);
      setAgain(true);
      setMessage(asked.current ? 'The vault is locked, in all tabs.' : reason);
    });
    delete document.documentElement.dataset.theme;
    if (!remote) void lockGuide(); // where it was remote, that tab does
  };

  const lock = async () => {
    asked.current = true;
    await records?.lock();
    asked.current = false;
  };

  const unlock = async (secret: string) => {
    setMessage('');
    const storage = await openVault(secret, exists === true).catch(async (error: unknown) => {
      await look(); // another tab may have made or deleted it meanwhile
      throw error;
    });
    // Only a passphrase that opened the first vault is let near the second: there it might be the one that makes it.
    setGuideError(
      await unlockGuide(secret).then(
        () => null,
        (error: unknown) => error,
      ),
    );
    setRecords(await firstReading(storage, locked));
    await look();
    setMessage(exists ? '' : 'The vault is made, with two samples in it.');
  };

  const destroy = async () => {
    await destroyVaults();
    records?.close();
    setRecords(null);
    delete document.documentElement.dataset.theme;
    await look();
    setMessage('The vault is deleted. There is nothing left of it on this device.');
  };

  const report = document.getElementById('read-report');
  return (
    <>
      <div className="bar" hidden={!records && !message}>
        {records && (
          <p className="state">
            <span className="lamp" aria-hidden="true" /> Unlocked
          </p>
        )}
        <p role="status">{message}</p>
        {records && (
          <button type="button" onClick={lock}>
            Lock
          </button>
        )}
      </div>
      {records && <Opened records={records} guideError={guideError} say={setMessage} />}
      {!records && exists !== null && <Unlock exists={exists} again={again} unlock={unlock} />}
      {exists && <DeleteVault forgot={!records} destroy={destroy} />}
      {report && createPortal(<Report records={records} />, report)}
    </>
  );
}

async function firstReading(storage: EncryptedStorage, locked: (remote: boolean) => void): Promise<Records> {
  const records = new Records(storage, tellInspector, locked);
  await records.readAll();
  if (records.snapshot.list.state === 'absent') await records.addTwoSamples();
  if (records.locked) throw new VaultError('ERR_LOCKED', 'The vault was locked while it was being opened.');
  return records;
}
