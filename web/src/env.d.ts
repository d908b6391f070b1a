/** What Vite defines in the applications that it builds. */
interface ImportMeta {
  readonly env?: { readonly VITE_ENCRYPTION_KEY?: string };
}
