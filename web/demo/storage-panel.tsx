import { useState, useSyncExternalStore } from 'react';
import type { DataClassification } from '../src/index.ts';
import { sized } from './amounts.ts';
import type { Space, SpaceUsed } from './space.ts';

/** What the vault's records take, by class, and what the browser says of the room that there is. */
export function StoragePanel({ space }: { space: Space }) {
  const used = useSyncExternalStore(space.subscribe, () => space.used);
  const [denied, setDenied] = useState(false);
  return (
    <section className="panel storage" aria-labelledby="storage-title">
      <h2 id="storage-title">Storage</h2>
      {used && (
        <>
          <Gauge used={used} />
          <dl className="keyring">
            <div>
              <dt>This site</dt>
              <dd>{used.usage === undefined ? 'not told' : sized(used.usage)}</dd>
            </div>
            <div>
              <dt>It may take</dt>
              <dd>{used.quota === undefined ? 'not told' : sized(used.quota)}</dd>
            </div>
            <div>
              <dt>When room is short</dt>
              <dd>{used.persisted ? 'it is kept' : 'it may be deleted'}</dd>
            </div>
          </dl>
          {!used.persisted && (
            <div className="group">
              <button type="button" onClick={async () => setDenied(!(await space.persist()))}>
                Ask to keep it
              </button>
              <p className="hint" role="status">
                {denied && 'The browser does not promise it.'}
              </p>
            </div>
          )}
        </>
      )}
    </section>
  );
}

function Gauge({ used }: { used: SpaceUsed }) {
  const classes = (Object.keys(used.classes) as DataClassification[]).filter((name) => used.classes[name].records > 0);
  // What is next to nothing is seen as well.
  const least = used.bytes / 100;
  const widths = classes.map((name) => Math.max(used.classes[name].bytes, least));
  const whole = widths.reduce((a, b) => a + b, 0);
  let x = 0;
  return (
    <>
      <svg className="gauge" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
        {classes.map((name, i) => {
          const width = (100 * (widths[i] as number)) / whole;
          x += width;
          return <rect key={name} className={name} x={x - width} width={width} height={1} />;
        })}
      </svg>
      <table>
        <caption>The records of all stores of this vault, as they are stored</caption>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col">Records</th>
            <th scope="col">Size</th>
          </tr>
        </thead>
        <tbody>
          {classes.map((name) => (
            <tr key={name}>
              <th scope="row">
                <span className={`swatch ${name}`} aria-hidden="true" /> {name}
              </th>
              <td>{used.classes[name].records}</td>
              <td>{sized(used.classes[name].bytes)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">all</th>
            <td>{used.records}</td>
            <td data-bytes={used.bytes}>{sized(used.bytes)}</td>
          </tr>
        </tfoot>
      </table>
    </>
  );
}
