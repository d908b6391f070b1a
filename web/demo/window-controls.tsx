import { useId, useState } from 'react';
import type { CTWindow } from './head.ts';
import { type WindowName, windows } from './samples.ts';

interface Props {
  window: CTWindow;
  setWindow: (window: CTWindow) => void;
}

const limits = { width: { min: 1, max: 4000 }, level: { min: -1000, max: 3000 } };

/** Returns the window of whole numbers within the limits that is next to one. */
export function within({ width, level }: CTWindow): CTWindow {
  const nearest = (n: number, { min, max }: { min: number; max: number }) =>
    Math.round(Math.min(Math.max(n, min), max));
  return { width: nearest(width, limits.width), level: nearest(level, limits.level) };
}

const presets: Record<WindowName, string> = { brain: 'Brain', subdural: 'Subdural', bone: 'Bone' };

/** The window and its level in Hounsfield units, as numbers and as presets. */
export function WindowControls({ window, setWindow }: Props) {
  return (
    <div className="window">
      <Amount
        label="Window"
        {...limits.width}
        value={window.width}
        change={(width) => setWindow(within({ ...window, width }))}
      />
      <Amount
        label="Level"
        {...limits.level}
        value={window.level}
        change={(level) => setWindow(within({ ...window, level }))}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent */}
      <div className="group" role="group" aria-label="Presets">
        {(Object.keys(presets) as WindowName[]).map((name) => {
          const { width, level } = windows[name];
          return (
            <button
              key={name}
              type="button"
              aria-pressed={width === window.width && level === window.level}
              onClick={() => setWindow({ width, level })}
            >
              {presets[name]}
            </button>
          );
        })}
      </div>
    </div>
  );
}

interface AmountProps {
  label: string;
  value: number;
  min: number;
  max: number;
  change: (value: number) => void;
}

function Amount({ label, value, min, max, change }: AmountProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <div className="amount">
      <label htmlFor={id}>{label}</label>
      <input
        type="range"
        aria-label={`${label}, slider`}
        min={min}
        max={max}
        value={value}
        onChange={(event) => change(event.target.valueAsNumber)}
      />
      <input
        id={id}
        type="number"
        min={min}
        max={max}
        // What is being typed may be no number yet.
        value={typed ?? value}
        onChange={(event) => {
          setTyped(event.target.value);
          if (event.target.value !== '') change(event.target.valueAsNumber);
        }}
        onBlur={() => setTyped(null)}
      />
    </div>
  );
}
