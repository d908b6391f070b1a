import { told } from './records.ts';

/** An error as a sentence, with its code. */
export function Refusal({ error }: { error: unknown }) {
  const { code, message } = told(error);
  return (
    <p className="error">
      <code>{code}</code> {message}
    </p>
  );
}
