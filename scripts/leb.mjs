// Numbers as WebAssembly and the tables of the Go runtime write them (LEB128).

/** Reads numbers (LEB128) and bytes from the front of a buffer. */
export class Reader {
  at = 0;
  constructor(bytes) {
    this.bytes = bytes;
  }
  get more() {
    return this.at < this.bytes.length;
  }
  byte() {
    return this.bytes[this.at++];
  }
  /** Unsigned, or signed where the number is not negative, as the offsets of data are. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  take(n) {
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }
}

export function unsigned(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

// A signed number whose last byte has the second bit set would be negative.
export const signed = (value) => {
  const bytes = unsigned(value);
  return bytes.at(-1) < 64 ? bytes : [...bytes.slice(0, -1), bytes.at(-1) | 128, 0];
};
