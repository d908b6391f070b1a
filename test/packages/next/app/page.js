import { Preferences } from './preferences';

export default function Page() {
  return <Preferences />;
}
