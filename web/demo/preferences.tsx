import { useState } from 'react';
import { Choice } from './choice.tsx';
import { type Reading, type Records, told, type Preferences as Values } from './records.ts';
import { type WindowName, windows } from './samples.ts';

interface Props {
  records: Records;
  reading: Reading<Values>;
  preferences: Values;
}

const themes = { system: 'As the system', light: 'Light', dark: 'Dark' };
const languages = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español' };
const windowLabels = Object.fromEntries(Object.entries(windows).map(([name, { label }]) => [name, label]));

/** A form that stores each change at once and shows what the vault gives back. */
export function Preferences({ records, reading, preferences }: Props) {
  const [pending, setPending] = useState<Partial<Values>>({});
  const [error, setError] = useState('');
  const values = { ...preferences, ...pending };

  const save = async (change: Partial<Values>) => {
    setPending((others) => ({ ...others, ...change }));
    setError('');
    try {
      await records.setPreference(change);
    } catch (failure) {
      const { code, message } = told(failure);
      setError(`Not saved. ${code}: ${message}`);
    }
    setPending({});
  };

  return (
    <section className="panel" aria-labelledby="preferences-title">
      <h2 id="preferences-title">
        Preferences <span className="chip internal">internal</span>
      </h2>
      <div className="fields">
        <Choice
          label="Theme"
          value={values.theme}
          options={themes}
          choose={(theme) => save({ theme: theme as Values['theme'] })}
        />
        <Choice
          label="Language of dates"
          value={values.language}
          options={languages}
          choose={(language) => save({ language: language as Values['language'] })}
        />
        <Choice
          label="Window of new CT slices"
          value={values.window}
          options={windowLabels}
          choose={(window) => save({ window: window as WindowName })}
        />
        <label className="check">
          <input
            type="checkbox"
            checked={values.overlay}
            onChange={(event) => save({ overlay: event.target.checked })}
          />
          Patient overlay on images
        </label>
      </div>
      <p className="echo">
        <span>Read back</span>
        <output aria-label="Preferences as read from the vault">{echo(reading)}</output>
      </p>
      {reading.state === 'refused' && (
        <p className="error">
          <code>{reading.code}</code> {reading.message}{' '}
          <button type="button" onClick={() => records.resetPreferences()}>
            Store the defaults instead
          </button>
        </p>
      )}
      <p role="alert" className={error && 'error'}>
        {error}
      </p>
    </section>
  );
}

function echo(reading: Reading<Values>): string {
  if (reading.state === 'opened') return JSON.stringify(reading.value);
  if (reading.state === 'refused') return `refused: ${reading.code}`;
  return reading.state === 'absent' ? 'nothing stored yet; these are the defaults' : '…';
}
