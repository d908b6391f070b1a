// Where in stored bytes lies what archives look at: docs/FORMAT.md. test/rules holds these numbers against Go's, which writes the bytes.

/** In a record's header. The last two are in that of a chunked value. */
export const header = { layout: 2, classification: 3, salt: 36, begun: 68 };

/** The numbers of the layouts whose values lie in `chunks`. */
export const layouts = { split: 2, chunked: 3 };

/** In a keyring. A count of two bytes stands before the slots, and one before the keys, which are behind the slots. */
export const keyring = { version: 8, generation: 33, slots: 48 };

/** In a slot. */
export const slot = { salt: 5, iterations: 21, wrapped: 25, size: 65 };

/** In a key of the keyring. */
export const key = { kind: 0, leases: 14, wrapped: 18, size: 58 };

/** The numbers of the kinds of keys. */
export const kinds = { name: 3, keyring: 4 };

/** How many bytes, or of what how many, there are, at most where that differs. */
export const sizes = { mac: 32, maxSlots: 64, maxKeys: 4096, chunk: 1 << 20 };
