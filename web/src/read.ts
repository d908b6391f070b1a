import { Kind } from './bytes.ts';

/** A value as Go gives it. */
export interface Read {
  bytes: Uint8Array<ArrayBuffer>;
  kind: number;
  type: string;
}

export function blobOf({ kind, bytes, type }: Read): Blob {
  const plain = kind === Kind.text ? 'text/plain;charset=utf-8' : 'application/octet-stream';
  return new Blob([bytes], { type: kind === Kind.blob ? type : plain });
}
