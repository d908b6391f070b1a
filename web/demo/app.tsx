import { useCallback, useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import type { EncryptedStorage } from '../src/index.ts';
import { DeleteVault } from './delete-vault.tsx';
import { startInspector, tellInspector } from './inspector.ts';
import { Opened } from './opened.tsx';
import { Records, told } from './records.ts';
import { Report } from './report.tsx';
import { Unlock } from './unlock.tsx';
import { destroyVaults, openVault, unlockGuide, vaultExists } from './vaults.ts';

export function App() {
  const [exists, setExists] = useState<boolean | null>(null);
  const [records, setRecords] = useState<Records | null>(null);
  const [guideError, setGuideError] = useState<unknown>(null);
  const [message, setMessage] = useState('');
  const readAll = useRef<() => void>(() => {});

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
    setRecords(await firstReading(storage));
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
      <div className="bar">
        {records && (
          <p className="state">
            <span className="lamp" aria-hidden="true" /> Unlocked
          </p>
        )}
        <p role="status">{message}</p>
        {records && (
          // The keys live as long as the page does.
          <button type="button" onClick={() => location.reload()}>
            Lock
          </button>
        )}
      </div>
      {records && <Opened records={records} guideError={guideError} say={setMessage} />}
      {!records && exists !== null && <Unlock exists={exists} unlock={unlock} />}
      {exists && <DeleteVault forgot={!records} destroy={destroy} />}
      {report && createPortal(<Report records={records} />, report)}
    </>
  );
}

async function firstReading(storage: EncryptedStorage): Promise<Records> {
  const records = new Records(storage, tellInspector);
  await records.readAll();
  if (records.snapshot.list.state === 'absent') await records.addTwoSamples();
  return records;
}
