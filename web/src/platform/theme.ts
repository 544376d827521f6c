import { readPreference, writePreference } from './preferences';
import { createStore, type Readable } from './store';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const STORED = 'mundo.theme';

export interface ThemeChoice extends Readable<Theme> {
  choose(theme: Theme): void;
}

/** Light or dark by the system's wish unless the member chose; the colours are in ui/theme.css. */
export function createThemeChoice(): ThemeChoice {
  const stored = readPreference(STORED);
  const store = createStore<Theme>(THEMES.includes(stored as Theme) ? (stored as Theme) : 'system');
  const apply = () => {
    if (store.get() === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = store.get();
  };
  apply();
  return {
    ...store,
    choose(theme) {
      store.set(theme);
      writePreference(STORED, theme === 'system' ? null : theme);
      apply();
    },
  };
}
