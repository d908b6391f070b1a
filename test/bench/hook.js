// A component that shows a record through the hook, in the production build of React; run.mjs bundles it.
import { createElement, useLayoutEffect } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { EncryptedStorageProvider, useEncryptedStorage } from '../../web/dist/react.js';

function Value({ name, shown }) {
  const { value } = useEncryptedStorage(name);
  useLayoutEffect(() => {
    if (value !== null) shown();
  }, [value, shown]);
  return value;
}

/** Returns what renders a record of a store for the first time, and resolves when its value is in the DOM, apart from the page: nothing is painted. */
export function makeShow(place) {
  const root = createRoot(document.createElement('div'));
  const render = (child) => flushSync(() => root.render(createElement(EncryptedStorageProvider, place, child)));
  render(null);
  return (name) => new Promise((shown) => render(createElement(Value, { name, shown, key: name })));
}
