import type { Exports } from './loader.ts';
import type { AnyEngine } from './remotes.ts';

/** Bytes of the page that both sides read and write (jsbridge.PageSize). */
export const pageSize = 512 << 10;

/** A name, and what is written under it, as Go takes it. */
export interface Item {
  name: string;
  classification?: number;
  kind?: number;
  contentType?: string;
  context?: string;
  size?: number;
  /** Milliseconds until it expires, as the caller gave it. */
  ttlMs?: unknown;
}

export function passItem(engine: AnyEngine, core: Exports, id: number, item: Item): void {
  const { name, contentType, context } = item;
  let at = 0;
  const write = (part: string | undefined) => {
    const length = part ? engine.write(part, at) : 0;
    at += length;
    return length;
  };
  core.item(
    id,
    item.classification ?? 0,
    item.kind ?? 0,
    write(name),
    write(contentType),
    write(context),
    item.size ?? 0,
    asInteger(item.ttlMs, 1e13),
  );
}

/** A number as Go takes it: 0 for none, and 1, which Go refuses, for what is no whole number below `end`. */
export function asInteger(value: unknown, end = 2 ** 31): number {
  if (value === undefined) return 0;
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < end ? (value as number) : 1;
}
