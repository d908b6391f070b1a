import { NextResponse } from 'next/server';

// Next.js writes scripts into its pages, which need a nonce.
export function proxy(request) {
  const nonce = btoa(crypto.randomUUID());
  const policy =
    `default-src 'none'; script-src 'self' 'nonce-${nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; ` +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'";
  const headers = new Headers(request.headers);
  headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  return response;
}
