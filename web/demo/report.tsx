import { useSyncExternalStore } from 'react';
import type { Reading, Records, Snapshot } from './records.ts';

/** What the vault gave and refused at the last reading of every record. It stands below the inspector. */
export function Report({ records }: { records: Records | null }) {
  if (!records) return <p className="hint">The vault is locked: this page has no key, and no record can be read.</p>;
  return <OpenedReport records={records} />;
}

function OpenedReport({ records }: { records: Records }) {
  const snapshot = useSyncExternalStore(records.subscribe, () => records.snapshot);
  const rows = rowsOf(snapshot);
  const refused = rows.filter(([, reading]) => reading.state === 'refused' || reading.state === 'absent').length;
  return (
    <>
      <p className={refused > 0 ? 'verdict bad' : 'verdict'} role="status">
        {rows.length} records read:{' '}
        {refused === 0 ? 'all of them open.' : `${rows.length - refused} open, ${refused} refused.`}
        {snapshot.readAt && (
          <time dateTime={snapshot.readAt.toISOString()}>{snapshot.readAt.toLocaleTimeString('en-GB')}</time>
        )}
      </p>
      <ul>
        {rows.map(([name, reading]) => (
          <li key={name} className={reading.state}>
            <code>{name}</code>
            {reading.state === 'refused' ? (
              <span>
                <code>{reading.code}</code> {reading.message}
              </span>
            ) : (
              <span>{reading.state}</span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function rowsOf({ preferences, list, images }: Snapshot): [string, Reading<unknown>][] {
  const rows: [string, Reading<unknown>][] = [['images', list]];
  if (preferences.state !== 'absent') rows.unshift(['preferences', preferences]);
  for (const [id, image] of images) rows.push([`image:${id}`, image]);
  return rows;
}
