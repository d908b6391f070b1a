import type { AuditLog } from '../src/keys.ts';

/** What was done with the keys, latest first. */
export function AuditTable({ log }: { log: AuditLog }) {
  return (
    <section className="part" aria-labelledby="audit-title">
      <h3 id="audit-title">
        Audit log{' '}
        <span className={log.intact ? 'chip whole' : 'chip changed'}>{log.intact ? 'whole' : 'tampered'}</span>
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className="scroll" tabIndex={0} aria-label="Lines of the audit log">
        <table>
          <thead>
            <tr>
              <th scope="col">No.</th>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col">Epoch</th>
              <th scope="col">Count</th>
            </tr>
          </thead>
          <tbody>
            {log.lines.toReversed().map(({ seq, at, event, epoch, count }) => (
              <tr key={seq}>
                <td>{seq}</td>
                <td>
                  <time dateTime={at.toISOString()}>{time.format(at)}</time>
                </td>
                <td>
                  <code>{event}</code>
                </td>
                <td>{epoch}</td>
                <td>{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

const time = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: '2-digit',
  year: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
