import type { KeyStatus } from '../src/keys.ts';

/** How old the key of each class is, and when it is due to be rotated. */
export function KeyTable({ status }: { status: KeyStatus }) {
  const now = Date.now();
  return (
    <section className="part" aria-labelledby="key-status-title">
      <h3 id="key-status-title">
        Key status <span className="chip">epoch {status.epoch}</span>
        {status.due && <span className="chip changed">rotation due</span>}
      </h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col">Created</th>
            <th scope="col">Age</th>
            <th scope="col">Writes</th>
            <th scope="col">Due</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(status.classes).map(([name, { createdAt, ageDays, writes, dueAt }]) => (
            <tr key={name}>
              <th scope="row">
                <span className={`chip ${name}`}>{name}</span>
              </th>
              <td>{day(createdAt)}</td>
              <td>{Math.floor(ageDays)} d</td>
              <td>{writes}</td>
              <td className={dueAt.getTime() <= now ? 'late' : ''}>{day(dueAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const day = (date: Date) => (
  <time dateTime={date.toISOString()}>
    {date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })}
  </time>
);
