import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { startServiceWorker } from './service-worker.ts';
import './keys.css'; // bundled as main.css
import './storage.css';
import './viewer.css';

const root = document.getElementById('vault');
if (root) createRoot(root).render(<App />);

void startServiceWorker();
