import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves one empty page on 127.0.0.1, which browsers hold for a secure context. */
export async function servePage(): Promise<{ url: string; close: () => Promise<void> }> {
  const server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.setHeader('cache-control', 'no-store');
    response.end('<!doctype html><title>at rest</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
