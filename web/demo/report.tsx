import { useSyncExternalStore } from 'react';
import type { Unlocked } from './app.tsx';
import type { Reading, Snapshot } from './records.ts';

/** What the vault gave and refused at the last reading of every record. It stands in the inspector, beside the button that asks for it. */
export function Report({ unlocked }: { unlocked: Unlocked | null }) {
  if (!unlocked) return <p className="hint">The vault is locked: this page has no key, and no record can be read.</p>;
  return <OpenedReport unlocked={unlocked} />;
}

function OpenedReport({ unlocked: { records, viewing } }: { unlocked: Unlocked }) {
  const snapshot = useSyncExternalStore(records.subscribe, () => records.snapshot);
  const { checked } = useSyncExternalStore(viewing.subscribe, () => viewing.view);
  const rows = [...rowsOf(snapshot), ...checked];
  const refused = rows.flatMap(([name, reading]) => {
    if (reading.state === 'absent') return [{ name, code: 'absent', message: 'It is listed, and not on the disk.' }];
    return reading.state === 'refused' ? [{ name, ...reading }] : [];
  });
  return (
    <>
      <p className={refused.length > 0 ? 'verdict bad' : 'verdict'} role="status">
        {rows.length} records read:{' '}
        {refused.length === 0
          ? 'all of them open.'
          : `${rows.length - refused.length} open, ${refused.length} refused.`}
        {snapshot.readAt && (
          <time dateTime={snapshot.readAt.toISOString()}>{snapshot.readAt.toLocaleTimeString('en-GB')}</time>
        )}
      </p>
      {refused.length > 0 && (
        <ul className="refusals" aria-label="Refused records">
          {refused.map(({ name, code, message }) => (
            <li key={name}>
              <code>{name}</code> <strong>{code}</strong> {message}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function rowsOf({ preferences, list, images }: Snapshot): [string, Reading<unknown>][] {
  const rows: [string, Reading<unknown>][] = [['images', list]];
  if (preferences.state !== 'absent') rows.unshift(['preferences', preferences]);
  for (const [id, image] of images) rows.push([`image:${id}`, image]);
  return rows;
}
