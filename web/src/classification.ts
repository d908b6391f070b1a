/** The classes of the data classification policy. */
export const DataClassification = {
  PUBLIC: 'public',
  INTERNAL: 'internal',
  CONFIDENTIAL: 'confidential',
  PII: 'pii',
  PHI: 'phi',
} as const;

/** One of the values of {@link DataClassification}. */
export type DataClassification = (typeof DataClassification)[keyof typeof DataClassification];

const numbers: Record<string, number> = { public: 1, internal: 2, confidential: 3, pii: 4, phi: 5 };

/** The number that Go knows a class by; 255 for what is none, which Go refuses. */
export const classNumber = (classification: unknown): number =>
  (typeof classification === 'string' && Object.hasOwn(numbers, classification) && numbers[classification]) || 255;
