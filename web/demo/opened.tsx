import { useEffect, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import type { Guide, Unlocked } from './app.tsx';
import { Gallery } from './gallery.tsx';
import { UserPreferences } from './guide.tsx';
import { Keys } from './keys.tsx';
import { Preferences } from './preferences.tsx';
import { defaults, told } from './records.ts';
import { Refusal } from './refusal.tsx';
import { StoragePanel } from './storage-panel.tsx';
import { autoLockAfter } from './vaults.ts';
import { Viewer } from './viewer.tsx';

interface Props {
  unlocked: Unlocked;
  guide: Guide;
  say: (message: string) => void;
}

/** What the page shows of an unlocked vault. */
export function Opened({ unlocked, guide, say }: Props) {
  const { records, viewing, space } = unlocked;
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

  const beside = document.getElementById('beside');
  const below = document.getElementById('keys');

  return (
    <>
      <Viewer viewing={viewing} preferences={preferences} />
      <Gallery records={records} snapshot={snapshot} preferences={preferences} say={say} />
      {beside &&
        createPortal(
          <>
            <StoragePanel space={space} />
            <Preferences records={records} reading={snapshot.preferences} preferences={preferences} />
            <GuidePanel guide={guide} />
          </>,
          beside,
        )}
      {below && createPortal(<Keys unlocked={unlocked} autoLock={preferences.autoLock ?? 0} />, below)}
    </>
  );
}

function GuidePanel({ guide }: { guide: Guide }) {
  return (
    <section className="panel guide" aria-labelledby="guide-title">
      <h2 id="guide-title">
        The guide’s component <span className="chip internal">internal</span>
      </h2>
      <p>
        As printed in the guide, on <code>useEncryptedStorage</code> and its default database. One click stores the dark
        theme.
      </p>
      {guide === 'opening' && <p>Deriving the key…</p>}
      {guide === 'open' && <UserPreferences />}
      {typeof guide === 'object' && <Refusal error={guide.error} />}
    </section>
  );
}
