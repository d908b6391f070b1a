/** A series as the server describes it. */
export interface Series {
  id: string;
  title: string;
  patientId: string;
  modality: string;
  /** How many; they are numbered from 1. */
  slices: number;
  rows: number;
  columns: number;
  /** Millimetres from one to the next. */
  spacing: { pixel: number; slice: number };
  /** Hounsfield units are a stored number times the slope, and the intercept. */
  rescale: { slope: number; intercept: number };
}

/** Bytes of a slice. */
export const sliceBytes = ({ rows, columns }: Series): number => rows * columns * 2;

/** The numbers of its slices. */
export const numbersOf = ({ slices }: Series): number[] => Array.from({ length: slices }, (_, i) => i + 1);

/** Returns the series that the server has. What comes is no business of the browser's own cache, which lies on the disk in clear. */
export async function askForSeries(signal: AbortSignal): Promise<Series | null> {
  const list = (await (await ask('/api/series', signal)).json()) as Series[];
  return list[0] ?? null;
}

/** Returns the pixels of a slice: 16 bits each, the lower byte first. */
export async function askForSlice(series: Series, n: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await ask(`/api/series/${series.id}/${n}`, signal);
  return new Uint8Array(await answer.arrayBuffer());
}

async function ask(path: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(path, { signal, cache: 'no-store' }).catch((error: unknown) => {
    throw signal.aborted ? error : new Error('The server does not answer.');
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return response;
}
