import { type ChangeEvent, type DragEvent, useId, useRef, useState } from 'react';
import { ImageCard } from './image-card.tsx';
import { type Preferences, type Records, type Snapshot, told } from './records.ts';
import { anotherSlice, fromFile } from './samples.ts';

interface Props {
  records: Records;
  snapshot: Snapshot;
  preferences: Preferences;
  say: (message: string) => void;
}

export function Gallery({ records, snapshot, preferences, say }: Props) {
  const id = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const [over, setOver] = useState(false);
  const { list, images } = snapshot;

  const attempt = async (work: () => Promise<string>) => {
    try {
      say(await work());
    } catch (failure) {
      const { code, message } = told(failure);
      say(`${code}: ${message}`);
    }
  };

  const take = (files: File[]) =>
    attempt(async () => {
      const pictures = files.filter((file) => file.type.startsWith('image/'));
      if (pictures.length === 0) return 'Nothing was stored: that is no image file.';
      await records.add(pictures.map(fromFile));
      return pictures.length === 1
        ? 'The image is encrypted and stored.'
        : `${pictures.length} images are encrypted and stored.`;
    });

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take([...event.dataTransfer.files]);
  };

  const pick = (event: ChangeEvent<HTMLInputElement>) => {
    void take([...(event.target.files ?? [])]);
    event.target.value = ''; // so that the same file can be picked again
  };

  const remove = (image: string) =>
    attempt(async () => {
      await records.delete(image);
      title.current?.focus(); // the button that had the focus is gone
      return 'The image is deleted.';
    });

  const drawSlice = () =>
    attempt(async () => {
      await records.add([anotherSlice(preferences.window)]);
      return 'A CT slice is drawn, encrypted and stored.';
    });

  return (
    <section
      className={over ? 'panel gallery over' : 'panel gallery'}
      aria-labelledby={`${id}-title`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <h2 id={`${id}-title`} ref={title} tabIndex={-1}>
        Images <span className="chip phi">phi</span>
      </h2>
      {list.state === 'refused' && (
        <p className="error">
          The list of images is refused: <code>{list.code}</code> {list.message}{' '}
          <button
            type="button"
            onClick={() => attempt(async () => records.restoreList().then(() => 'The list is restored.'))}
          >
            Restore it
          </button>
        </p>
      )}
      <ul className="images">
        {[...images].map(([image, reading]) => (
          <ImageCard key={image} id={image} reading={reading} preferences={preferences} remove={() => remove(image)} />
        ))}
      </ul>
      <div className="add">
        <p>
          <label className="button" htmlFor={`${id}-file`}>
            <input id={`${id}-file`} type="file" accept="image/*" multiple onChange={pick} />
            Choose images
          </label>
          <span className="hint">or drop them here</span>
        </p>
        <button type="button" onClick={drawSlice}>
          Draw a CT slice
        </button>
        {images.size === 0 && list.state !== 'reading' && (
          <button
            type="button"
            onClick={() => attempt(() => records.addTwoSamples().then(() => 'Two samples are stored.'))}
          >
            Add the two samples
          </button>
        )}
      </div>
    </section>
  );
}
