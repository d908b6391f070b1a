import { type PointerEvent, useEffect, useLayoutEffect, useRef } from 'react';
import { paint } from './grey.ts';
import type { CTWindow } from './head.ts';
import type { Series } from './series-api.ts';
import type { SliceReading } from './slices.ts';
import type { View } from './viewing.ts';
import { within } from './window-controls.tsx';

interface Props {
  view: View;
  series: Series;
  window: CTWindow;
  setWindow: (window: CTWindow) => void;
  /** Goes so many slices on. */
  step: (by: number) => void;
  overlay: boolean;
  /** Fetches a slice that is refused. */
  renew: (n: number) => void;
}

/** How far a wheel turns for one slice, in CSS pixels. */
const notch = 100;

/** The slice that came last, or in its place why it is not shown. Dragging changes the window, the wheel the slice. */
export function Picture({ view, series, window, setWindow, step, overlay, renew }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; y: number; from: CTWindow } | null>(null);
  const { shown } = view;

  const latest = useRef({ step, view, series });
  latest.current = { step, view, series };
  useEffect(() => {
    let turned = 0;
    // React's own listener could not keep the page from scrolling.
    const turn = (event: WheelEvent) => {
      const { step, view, series } = latest.current;
      const down = event.deltaY > 0;
      if (event.ctrlKey || view.slice === (down ? series.slices : 1)) return; // the page's zoom; the page goes on
      event.preventDefault();
      turned += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : Math.sign(event.deltaY) * notch;
      const by = Math.trunc(turned / notch);
      turned -= by * notch;
      if (by !== 0) step(by);
    };
    const { current } = frame;
    current?.addEventListener('wheel', turn, { passive: false });
    return () => current?.removeEventListener('wheel', turn);
  }, []);

  const take = (event: PointerEvent) => {
    if (event.button !== 0 || shown?.reading.state !== 'opened') return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { x: event.clientX, y: event.clientY, from: window };
  };
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    const { x, y, from } = drag.current;
    const each = Math.max(1, from.width / 200); // Hounsfield units for a pixel: a wide window changes faster
    const right = (event.clientX - x) * each;
    const down = event.pointerType === 'touch' ? 0 : (event.clientY - y) * each; // where it scrolls the page
    setWindow(within({ width: from.width + right, level: from.level + down }));
  };
  const release = () => {
    drag.current = null;
  };

  return (
    <div
      ref={frame}
      className="screen"
      onPointerDown={take}
      onPointerMove={move}
      onPointerUp={release}
      onPointerCancel={release}
    >
      {shown?.reading.state === 'opened' && (
        <>
          <Canvas pixels={shown.reading.pixels} n={shown.n} series={series} window={window} />
          {overlay && <Overlay n={shown.n} series={series} window={window} />}
        </>
      )}
      {shown && shown.reading.state !== 'opened' && (
        <Instead n={shown.n} reading={shown.reading} renew={view.offline ? null : renew} />
      )}
    </div>
  );
}

function Canvas({ pixels, n, series, window }: Pick<Props, 'series' | 'window'> & { pixels: Uint16Array; n: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { rows, columns, slices, title } = series;

  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (!context) return;
    const image = new ImageData(columns, rows);
    paint(pixels, series, window, image);
    context.putImageData(image, 0, 0);
  }, [pixels, series, window, rows, columns]);

  useLayoutEffect(() => {
    const { current } = canvas;
    return () => {
      if (current) current.width = 0; // its pixels do not wait for a garbage collector
    };
  }, []);

  return (
    <canvas
      ref={canvas}
      width={columns}
      height={rows}
      data-slice={n}
      role="img"
      aria-label={`${title}: slice ${n} of ${slices}, window ${window.width}, level ${window.level}`}
    />
  );
}

function Overlay({ n, series, window }: Pick<Props, 'series' | 'window'> & { n: number }) {
  const { patientId, modality, title, slices, spacing } = series;
  return (
    <div className="corners" aria-hidden="true">
      <p>
        {patientId}
        <br />
        {title}
      </p>
      <p>{modality}</p>
      <p>
        W {window.width} L {window.level}
      </p>
      <p>
        {n}/{slices}
        <br />z {(n - 1) * spacing.slice} mm
      </p>
    </div>
  );
}

interface InsteadProps {
  n: number;
  reading: Exclude<SliceReading, { state: 'opened' }>;
  /** Null where there is no network to fetch it from. */
  renew: ((n: number) => void) | null;
}

function Instead({ n, reading, renew }: InsteadProps) {
  if (reading.state !== 'refused')
    return (
      <div className="refused" role="status">
        <strong>Slice {n} is not kept on this device</strong>
        <span>{reading.state === 'absent' ? 'The page is offline.' : 'The server does not answer.'}</span>
      </div>
    );
  return (
    <div className="refused" role="status" data-code={reading.code}>
      <strong>
        Slice {n} is refused: <code>{reading.code}</code>
      </strong>
      <span>{reading.message}</span>
      {renew && (
        <button type="button" onClick={() => renew(n)}>
          Fetch it again
        </button>
      )}
    </div>
  );
}
