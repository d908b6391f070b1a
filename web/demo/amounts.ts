const unit = (n: number, unit: string, digits: number) =>
  new Intl.NumberFormat('en', { style: 'unit', unit, maximumFractionDigits: digits }).format(n);

export function sized(bytes: number): string {
  if (bytes < 1e6) return unit(bytes / 1e3, 'kilobyte', 1);
  return bytes < 1e9 ? unit(bytes / 1e6, 'megabyte', 1) : unit(bytes / 1e9, 'gigabyte', 1);
}

export const timed = (ms: number): string => (ms < 1000 ? unit(ms, 'millisecond', 0) : unit(ms / 1000, 'second', 1));
