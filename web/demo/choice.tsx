import { useId } from 'react';

interface Props {
  label: string;
  value: string;
  options: Record<string, string>;
  choose: (value: string) => void;
}

export function Choice({ label, value, options, choose }: Props) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => choose(event.target.value)}>
        {Object.entries(options).map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
