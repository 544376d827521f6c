import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApp } from './app/context';
import { App } from './app/App';
import './ui/theme.css';
import './ui/base.css';
import './app/shell.css';
import './features/accounts/accounts.css';
import './features/accounts/settings.css';
import './features/guard/guard.css';
import './features/posts/posts.css';
import './features/members/members.css';
import './features/events/events.css';
import './features/media/media.css';

const app = createApp();
app.clientErrors.listen(window);
window.addEventListener('online', app.session.tryNow);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') app.session.tryNow();
});
app.session.start();

createRoot(document.getElementById('root')!, {
  onCaughtError: app.clientErrors.report,
  onUncaughtError: app.clientErrors.report,
}).render(
  <StrictMode>
    <App app={app} />
  </StrictMode>,
);
