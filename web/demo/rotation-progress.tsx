import { useEffect, useRef } from 'react';
import type { Deed, Run } from './rotation.tsx';

/** How often each deed goes over all records. */
const passes: Record<Deed, number> = { look: 1, rotate: 2, rollBack: 2, commit: 1 };

/** It keeps its place when nothing runs, so that nothing moves when something does. */
export function RotationProgressBar({ run }: { run: Run | null }) {
  const button = useRef<HTMLButtonElement>(null);
  const runs = run !== null;

  useEffect(() => {
    if (runs) button.current?.focus(); // the button that had the focus is gone
  }, [runs]);

  const { done = 0, total = 1, pass } = run?.progress ?? {};
  const all = (run ? passes[run.deed] : 1) * total;
  const before = run && passes[run.deed] === 2 && pass === 'verifying' ? total : 0;
  return (
    <div className="running" inert={!runs} data-shown={runs}>
      <p>
        <span>{run && wordsFor(run)}</span>
        <span>{run?.progress && `${done} of ${total}`}</span>
      </p>
      <progress aria-label="Progress of the rotation" max={all} value={run ? before + done : 0} />
      <button type="button" ref={button} aria-disabled={run?.stop.signal.aborted} onClick={() => run?.stop.abort()}>
        Stop
      </button>
    </div>
  );
}

function wordsFor({ deed, progress }: Run): string {
  if (!progress) return deed === 'look' ? 'Reading…' : 'Deriving the key…';
  if (deed === 'look') return 'Reading';
  if (deed === 'commit') return 'Reading all once more';
  const back = deed === 'rollBack' ? ' back' : '';
  return progress.pass === 'encrypting' ? `Pass 1 of 2: re-encrypting${back}` : 'Pass 2 of 2: reading all again';
}
