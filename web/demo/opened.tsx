import { useEffect, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { Gallery } from './gallery.tsx';
import { UserPreferences } from './guide.tsx';
import { Keys } from './keys.tsx';
import { Preferences } from './preferences.tsx';
import { defaults, type Records, told } from './records.ts';
import { Refusal } from './refusal.tsx';
import { autoLockAfter } from './vaults.ts';

interface Props {
  records: Records;
  guideError: unknown;
  say: (message: string) => void;
}

/** What the page shows of an unlocked vault. */
export function Opened({ records, guideError, say }: Props) {
  const snapshot = useSyncExternalStore(records.subscribe, () => records.snapshot);
  const preferences = snapshot.preferences.state === 'opened' ? snapshot.preferences.value : defaults;

  useEffect(() => {
    document.documentElement.dataset.theme = preferences.theme;
  }, [preferences.theme]);

  useEffect(() => {
    autoLockAfter(preferences.autoLock ?? 0).catch((error: unknown) => {
      if (!records.locked) say(told(error).message);
    });
  }, [records, preferences.autoLock, say]);

  const panel = document.getElementById('keys');

  return (
    <>
      <Gallery records={records} snapshot={snapshot} preferences={preferences} say={say} />
      <Preferences records={records} reading={snapshot.preferences} preferences={preferences} />
      <section className="panel guide" aria-labelledby="guide-title">
        <h2 id="guide-title">
          The guide’s component <span className="chip internal">internal</span>
        </h2>
        <p>
          As printed in the guide, on <code>useEncryptedStorage</code> and its default database. One click stores the
          dark theme.
        </p>
        {guideError ? <Refusal error={guideError} /> : <UserPreferences />}
      </section>
      {panel && createPortal(<Keys records={records} autoLock={preferences.autoLock ?? 0} />, panel)}
    </>
  );
}
