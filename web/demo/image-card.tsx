import type { Preferences, Reading, StoredImage } from './records.ts';

interface Props {
  id: string;
  reading: Reading<StoredImage>;
  preferences: Preferences;
  remove: () => void;
}

/** One image, or in its place why it is not shown. */
export function ImageCard({ id, reading, preferences, remove }: Props) {
  const image = reading.state === 'opened' ? reading.value : null;
  const context = image?.context ?? {};
  const title = image ? String(context.title ?? id) : `image:${id}`;
  return (
    <li className="image">
      <div className="stage">
        {image && <img src={image.url} alt={title} data-id={id} />}
        {image && preferences.overlay && (
          <div className="overlay" aria-hidden="true">
            <span>{String(context.patientId ?? '')}</span>
            <span>{String(context.modality ?? '')}</span>
            <span>{String(context.window ?? '')}</span>
          </div>
        )}
        {reading.state === 'reading' && <p>Decrypting…</p>}
        {reading.state === 'absent' && <p className="refused">missing: the list names it, the disk does not have it</p>}
        {reading.state === 'refused' && (
          <p className="refused">
            <strong>
              refused: <code>{reading.code}</code>
            </strong>
            <span>{reading.message}</span>
          </p>
        )}
      </div>
      <div className="caption">
        <p>
          <strong>{title}</strong>
          {image && <span>{details(image, preferences.language)}</span>}
        </p>
        <button type="button" className="quiet" aria-label={`Delete ${title}`} onClick={remove}>
          Delete
        </button>
      </div>
    </li>
  );
}

function details({ size, storedAt }: StoredImage, language: string): string {
  const bytes = new Intl.NumberFormat(language, {
    style: 'unit',
    unit: size < 1e6 ? 'kilobyte' : 'megabyte',
    maximumFractionDigits: size < 1e6 ? 0 : 1,
  }).format(size / (size < 1e6 ? 1e3 : 1e6));
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23' }).format(
    storedAt,
  );
  return `${bytes}, ${date}`;
}
