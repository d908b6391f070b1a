// A server that renders with idbvault/react; built once with React 18 and once with 19.
import { createElement as h, StrictMode, Suspense } from 'react';
import { renderToString } from 'react-dom/server';
import {
  EncryptedImage,
  EncryptedStorageProvider,
  useEncryptedImage,
  useEncryptedStorage,
  useEncryptedValue,
  useVault,
} from '../../../web/src/react.ts';

function Statuses() {
  const { status } = useEncryptedStorage('k');
  return h('p', null, `${status} ${useVault().status} ${useEncryptedImage('k').status}`);
}
const Value = () => h('p', null, useEncryptedValue<string>('k'));
const Prompt = () => h('p', null, 'locked');

export const hydratable = (): string =>
  renderToString(
    h(
      StrictMode,
      null,
      h(
        EncryptedStorageProvider,
        { database: 'db', prompt: Prompt },
        h(Statuses),
        h(EncryptedImage, { name: 'k', alt: '' }),
      ),
    ),
  );
export const suspending = (): string => renderToString(h(Suspense, { fallback: 'wait' }, h(Value)));
