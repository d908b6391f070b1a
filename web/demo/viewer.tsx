import { useState, useSyncExternalStore } from 'react';
import type { CTWindow } from './head.ts';
import { KeepOffline } from './keep-offline.tsx';
import { Picture } from './picture.tsx';
import type { Preferences } from './records.ts';
import { windows } from './samples.ts';
import type { Series } from './series-api.ts';
import { SliceSlider } from './slice-slider.tsx';
import type { View, Viewing } from './viewing.ts';
import { WindowControls } from './window-controls.tsx';

interface Props {
  viewing: Viewing;
  preferences: Preferences;
}

/** A CT series, slice by slice. */
export function Viewer({ viewing, preferences }: Props) {
  const view = useSyncExternalStore(viewing.subscribe, () => viewing.view);
  const { offline, chosen, series } = view;
  return (
    <section className="panel viewer" aria-labelledby="viewer-title">
      <div className="title">
        <h2 id="viewer-title">
          Viewer <span className="chip phi">phi</span>
        </h2>
        <p id="network" className="hint" role="status">
          {offline && (chosen ? 'Nothing is fetched.' : 'The browser is offline.')}
        </p>
        <button
          type="button"
          role="switch"
          className="switch"
          aria-checked={offline}
          aria-describedby="network"
          onClick={() => viewing.setOffline(!chosen)}
        >
          Offline
        </button>
      </div>
      {series.state === 'opened' ? (
        <Opened viewing={viewing} view={view} series={series.value} preferences={preferences} />
      ) : (
        <Unopened viewing={viewing} view={view} />
      )}
    </section>
  );
}

function Opened({ viewing, view, series, preferences }: Props & { view: View; series: Series }) {
  const [window, setWindow] = useState<CTWindow>(windows[preferences.window]);
  const goTo = (n: number) => viewing.goTo(n);
  return (
    <>
      <Picture
        view={view}
        series={series}
        window={window}
        setWindow={setWindow}
        step={(by) => viewing.goTo(viewing.view.slice + by)}
        overlay={preferences.overlay}
        renew={(n) => viewing.renew(n)}
      />
      <SliceSlider view={view} series={series} goTo={goTo} />
      <WindowControls window={window} setWindow={setWindow} />
      <KeepOffline viewing={viewing} view={view} series={series} />
    </>
  );
}

function Unopened({ viewing, view: { series, offline } }: { viewing: Viewing; view: View }) {
  if (series.state === 'reading') return <p>Looking for a series…</p>;
  const absent = offline ? 'No series is kept on this device.' : noSeries;
  const { code, message } = series.state === 'refused' ? series : { code: '', message: absent };
  return (
    <p className={code && 'error'}>
      {code && <code>{code}</code>} {message}{' '}
      <button type="button" onClick={() => viewing.look()}>
        Look again
      </button>
    </p>
  );
}

const noSeries = 'The server does not answer, and no series is kept on this device.';
