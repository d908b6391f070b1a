import { useEffect, useRef } from 'react';
import { sized } from './amounts.ts';
import { Refusal } from './refusal.tsx';
import { type Series, sliceBytes } from './series-api.ts';
import type { View, Viewing } from './viewing.ts';

interface Props {
  viewing: Viewing;
  view: View;
  series: Series;
}

/** Keeps the series on the device for a day, or deletes it. */
export function KeepOffline({ viewing, view, series }: Props) {
  const { keeping, kept, offline, trouble } = view;
  const title = useRef<HTMLHeadingElement>(null);
  const { slices } = series;
  const whole = kept.size === slices;

  const used = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are when a button goes that may have the focus
  useEffect(() => {
    if (used.current && document.activeElement === document.body) title.current?.focus({ preventScroll: true });
  }, [whole, kept.size === 0]);

  return (
    <section
      className="part keep"
      aria-labelledby="keep-title"
      onFocus={() => {
        used.current = true;
      }}
    >
      <h3 id="keep-title" ref={title} tabIndex={-1}>
        On this device
      </h3>
      <p className="hint" role="status">
        {keeping
          ? 'What is fetched is encrypted and stored. It can be stopped and gone on with.'
          : standing(view, series)}
      </p>
      {keeping && (
        <div className="bars">
          <Bar label="Fetched" value={keeping.fetched} max={slices} />
          <Bar label="Encrypted and stored" value={keeping.stored} max={slices} />
        </div>
      )}
      {trouble !== null && <Refusal error={trouble} />}
      <div className="group">
        {!whole && (
          <button
            type="button"
            className={keeping ? '' : 'primary'}
            aria-disabled={offline}
            onClick={() => (keeping ? viewing.stop() : viewing.keep())}
          >
            {keeping ? 'Cancel' : kept.size > 0 ? 'Go on' : 'Keep offline'}
          </button>
        )}
        {kept.size > 0 && !keeping && (
          <button type="button" onClick={() => viewing.remove()}>
            Remove from this device
          </button>
        )}
      </div>
    </section>
  );
}

function standing({ kept, expiresAt }: View, series: Series): string {
  const { slices } = series;
  const until = expiresAt ? ` until ${date.format(expiresAt)}` : '';
  if (kept.size === slices) return `All ${slices} slices are kept, encrypted,${until}.`;
  if (kept.size > 0) return `${kept.size} of ${slices} slices are kept, encrypted,${until}.`;
  return `Keeps all ${slices} slices for a day, encrypted: ${sized(slices * sliceBytes(series))}.`;
}

const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' });

function Bar({ label, value, max }: { label: string; value: number; max: number }) {
  return (
    <div>
      <p>
        <span>{label}</span>
        <span>
          {value} of {max}
        </span>
      </p>
      <progress aria-label={label} max={max} value={value} />
    </div>
  );
}
