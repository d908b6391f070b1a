// What the tests' pages have of React and of idbvault/react; built once with React 18 and once with 19.
import * as react from 'react';
import { flushSync } from 'react-dom';
import { createRoot, hydrateRoot } from 'react-dom/client';
import * as hooks from '../../../web/src/react.ts';

Object.assign(globalThis, { react, hooks, createRoot, hydrateRoot, flushSync });
