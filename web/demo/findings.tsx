import type { RotationReport } from '../src/keys.ts';
import { sized, timed } from './amounts.ts';
import type { Deed } from './rotation.tsx';

const done: Record<Deed, string> = {
  look: 'It would meet:',
  rotate: 'Every record is re-encrypted and was read again:',
  rollBack: 'Every record is back under the old keys; the new ones are destroyed:',
  commit: 'The old keys are destroyed:',
};

/** What a rotation met, or would meet. */
export function Findings({ deed, report }: { deed: Deed; report: RotationReport }) {
  const unreadable = report.unreadable.length;
  return (
    <div className={unreadable > 0 ? 'findings bad' : 'findings'}>
      <p>{deed === 'rotate' && unreadable > 0 ? 'All is re-encrypted that can be read:' : done[deed]}</p>
      <dl className="keyring">
        <Fact name="Records" value={String(report.records)} />
        <Fact name="Size" value={sized(report.bytes)} />
        {report.estimatedMs !== undefined && <Fact name="Takes about" value={timed(report.estimatedMs)} />}
        <Fact name="Can’t be read" value={String(unreadable)} />
      </dl>
      {unreadable > 0 && <p>What can’t be read stays as it is, and holds up the end of a rotation.</p>}
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
