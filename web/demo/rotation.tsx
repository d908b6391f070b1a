import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { VaultError } from '../src/index.ts';
import type { RotationProgress, RotationReport, RotationStatus } from '../src/keys.ts';
import { Findings } from './findings.tsx';
import { PassphraseField, Username } from './passphrase-field.tsx';
import { Refusal } from './refusal.tsx';
import { RotationProgressBar } from './rotation-progress.tsx';
import type { DemoKeys } from './vaults.ts';

interface Props {
  keys: DemoKeys;
  status: RotationStatus;
  /** Called after each step of a rotation. */
  progressed: () => void;
  /** Called when one has ended, well or not. */
  changed: () => Promise<void>;
}

/** What can be done with a rotation, in each state of it. The first is what Enter does. */
const choices: Record<RotationStatus['state'], Partial<Record<Deed, string>>> = {
  none: { rotate: 'Rotate' },
  rotating: { rotate: 'Resume', rollBack: 'Roll back' },
  rotated: { commit: 'Commit', rollBack: 'Roll back' },
  'rolling-back': { rollBack: 'Finish rolling back' },
};

export type Deed = 'look' | 'rotate' | 'rollBack' | 'commit';

export interface Run {
  deed: Deed;
  /** The state that it began in: the fields stay in their places until it has ended. */
  from: RotationStatus;
  stop: AbortController;
  progress: RotationProgress | null;
}

type Outcome = { deed: Deed } & ({ report: RotationReport } | { stopped: true } | { error: unknown });

/** New keys for all records, in steps that can be stopped, gone on with and gone back on. */
export function Rotation({ keys, status: now, progressed, changed }: Props) {
  const id = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const [run, setRun] = useState<Run | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const stop = useRef<AbortController | null>(null);
  const status = run?.from ?? now;

  useEffect(() => () => stop.current?.abort(), []); // the vault was locked or deleted

  const start = async (deed: Deed, form: HTMLFormElement) => {
    if (run) return;
    const typed = new FormData(form);
    const controller = new AbortController();
    stop.current = controller;
    const begun: Run = { deed, from: status, stop: controller, progress: null };
    const options = {
      secret: String(typed.get('secret')),
      signal: controller.signal,
      unreadable: typed.has('give-up') ? ('delete' as const) : undefined,
      onProgress: (progress: RotationProgress) => {
        setRun({ ...begun, progress });
        progressed();
      },
    };
    setRun(begun);
    const deeds: Record<Deed, () => Promise<RotationReport>> = {
      look: () => keys.vault.rotateKeys({ dryRun: true, signal: options.signal, onProgress: options.onProgress }),
      rotate: () => keys.rotate(options, String(typed.get('new') ?? '')),
      rollBack: () => keys.vault.rollbackRotation(options),
      commit: () => keys.vault.commitRotation(options),
    };
    const outcome = await deeds[deed]().then(
      (report): Outcome => ({ deed, report }),
      (error: unknown): Outcome => (controller.signal.aborted ? { deed, stopped: true } : { deed, error }),
    );
    await changed();
    if (deed !== 'look' && !('error' in outcome)) form.reset();
    setOutcome(outcome);
    setRun(null);
    // The button that had the focus is gone.
    if (deed !== 'look' && 'error' in outcome) (form.elements.namedItem('secret') as HTMLInputElement).select();
    else title.current?.focus({ preventScroll: true });
  };

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { submitter } = event.nativeEvent as SubmitEvent;
    void start((submitter as HTMLButtonElement).value as Deed, event.currentTarget);
  };

  const refused = outcome !== null && 'error' in outcome;
  const heldUp = status.state !== 'none' && unreadableIn(outcome);
  // A rotation that met such records does not end by itself.
  const deeds = { ...choices[status.state], ...(heldUp && status.state === 'rotating' && { commit: 'Commit' }) };
  return (
    <form className="part rotation" onSubmit={submit} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`} ref={title} tabIndex={-1}>
        Rotate the keys
      </h3>
      <p className="hint" data-state={status.state}>
        {standing(status)}
      </p>
      <Username />
      <PassphraseField
        label="Passphrase of the vault"
        name="secret"
        autoComplete="current-password"
        error={`${id}-error`}
        invalid={refused}
        required
      />
      {status.state === 'none' && (
        <PassphraseField
          label="New passphrase, if it is to change"
          name="new"
          autoComplete="new-password"
          hint="With one, everything is new, names too, and other tabs are locked at once."
          error={`${id}-error`}
        />
      )}
      {heldUp && (
        <label className="check">
          <input type="checkbox" name="give-up" />
          Delete the records that can’t be read
        </label>
      )}
      <div className="either">
        <div className="group" inert={run !== null} data-shown={run === null}>
          {Object.entries(deeds).map(([deed, label], i) => (
            <button key={deed} type="submit" value={deed} className={i === 0 ? 'primary' : ''}>
              {label}
            </button>
          ))}
          {status.state === 'none' && (
            <button
              type="button"
              onClick={(event) => event.currentTarget.form && start('look', event.currentTarget.form)}
            >
              What would it meet?
            </button>
          )}
        </div>
        <RotationProgressBar run={run} />
      </div>
      <div className="outcome" data-shown={run === null}>
        <div id={`${id}-error`} role="alert">
          {outcome && 'error' in outcome && <Refusal error={outcome.error} />}
        </div>
        <div role="status">
          {outcome && 'stopped' in outcome && <p className="hint">{stopped[outcome.deed]}</p>}
          {outcome && 'report' in outcome && <Findings deed={outcome.deed} report={outcome.report} />}
        </div>
      </div>
    </form>
  );
}

function standing({ state, from, to, records }: RotationStatus): string {
  if (state === 'rotating') return `A rotation from epoch ${from} to ${to} is not finished. What was done is kept.`;
  if (state === 'rotated')
    return `All ${records} records lie under epoch ${to}. The keys of epoch ${from} are there until you commit.`;
  if (state === 'rolling-back') return `Going back to epoch ${to} is not finished.`;
  return `${records} records lie under epoch ${to}. They can be read and written while they are re-encrypted.`;
}

const stopped: Record<Deed, string> = {
  look: 'Stopped. Nothing was written.',
  rotate: 'Stopped. What was done is kept: resume it or roll it back, also after a reload.',
  rollBack: 'Stopped. What was done is kept: finish it, also after a reload.',
  commit: 'Stopped. The old keys are still there.',
};

/** Whether records that can't be read hold up what was tried. */
function unreadableIn(outcome: Outcome | null): boolean {
  if (!outcome || 'stopped' in outcome) return false;
  if ('report' in outcome) return outcome.report.unreadable.length > 0;
  return outcome.error instanceof VaultError && outcome.error.code === 'ERR_INTEGRITY';
}
