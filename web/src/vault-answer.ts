// The responses that a service worker makes itself.
import type { VaultError } from './errors.ts';
import type { Kept } from './kept-response.ts';
import { byteRange, isOfAnotherState } from './range.ts';

/** A body that the browser streams: of bytes that it gets as a whole it may make a Blob, which it may page to the disk. */
const streamed = (bytes: Uint8Array): ReadableStream =>
  new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });

/** Answers a request with what is kept, or the range of it that is asked for. */
export function answerOf({ head, body }: Kept, request: Request): Response {
  const { status, statusText } = head;
  const headers = new Headers(head.headers);
  headers.set('Accept-Ranges', 'bytes');
  headers.set('Idbvault-Kept', new Date(head.keptAt).toISOString());
  const asked = isOfAnotherState(request.headers.get('if-range'), headers) ? null : request.headers.get('range');
  const range = byteRange(asked, body.length);
  if (range === 'unsatisfiable') {
    headers.set('Content-Range', `bytes */${body.length}`);
    headers.delete('Content-Type');
    return new Response(null, { status: 416, statusText: 'Range Not Satisfiable', headers });
  }
  if (range === 'whole') {
    headers.set('Content-Length', String(body.length));
    return new Response(streamed(body), { status, statusText, headers });
  }
  const { first, last } = range;
  headers.set('Content-Range', `bytes ${first}-${last}/${body.length}`);
  headers.set('Content-Length', String(last + 1 - first));
  const part = streamed(body.subarray(first, last + 1));
  return new Response(part, { status: 206, statusText: 'Partial Content', headers });
}

/** Says why the vault can't answer. */
export const refusal = ({ code, message }: VaultError): Response =>
  new Response(`${message}\n`, {
    status: 503,
    statusText: 'Service Unavailable',
    headers: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      'Idbvault-Code': code,
    },
  });
