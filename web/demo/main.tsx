import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './keys.css'; // bundled as main.css

const root = document.getElementById('vault');
if (root) createRoot(root).render(<App />);
