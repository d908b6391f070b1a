/** What a file, or a part of it, holds once decoded. Null bytes: the part has the format but could not be decoded. */
export interface View {
  name: string;
  bytes: Uint8Array | null;
}
