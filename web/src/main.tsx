import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './theme/mantine.css';
import './theme/tokens.css';
import './theme/base.css';
import { restore } from './api/session';
import { App } from './app/App';
import { startI18n } from './i18n';
import { restoreDensity } from './components/usePreferences';

restoreDensity();
await Promise.all([startI18n(), restore()]);
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
