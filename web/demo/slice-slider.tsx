import { numbersOf, type Series } from './series-api.ts';
import type { View } from './viewing.ts';

interface Props {
  view: View;
  series: Series;
  goTo: (n: number) => void;
}

const sources = { vault: 'from the vault', network: 'from the network' };

/** Chooses a slice, and shows which of them the vault has. */
export function SliceSlider({ view, series, goTo }: Props) {
  const { slice, shown } = view;
  const come = shown?.n === slice ? shown.reading : null;
  const source = come?.state === 'opened' ? sources[come.from] : (come?.state ?? 'reading');
  return (
    <div className="slices">
      <div className="row">
        <label htmlFor="slice">Slice</label>
        <output htmlFor="slice">
          {slice}/{series.slices}
        </output>
        {come?.state === 'opened' && (
          <span className="source" data-from={come.from}>
            {source}
          </span>
        )}
      </div>
      <input
        id="slice"
        type="range"
        min={1}
        max={series.slices}
        value={slice}
        aria-valuetext={`${slice} of ${series.slices}, ${source}`}
        onChange={(event) => goTo(event.target.valueAsNumber)}
      />
      <svg className="strip" viewBox={`0 0 ${series.slices} 1`} preserveAspectRatio="none" aria-hidden="true">
        {numbersOf(series).map((n) => (
          <rect key={n} x={n - 1} width={1} height={1} data-kept={markOf(view, series, n)} />
        ))}
      </svg>
      <p className="hint">Drag on the picture for window and level, or turn the wheel on it for the next slice.</p>
    </div>
  );
}

function markOf({ kept, checked, shown }: View, { id }: Series, n: number): string {
  const refused = (shown?.n === n ? shown.reading : checked.get(`ct:${id}:${n}`))?.state === 'refused';
  return refused ? 'refused' : kept.has(n) ? 'yes' : 'no';
}
