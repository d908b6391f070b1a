import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';

const root = document.getElementById('vault');
if (root) createRoot(root).render(<App />);
