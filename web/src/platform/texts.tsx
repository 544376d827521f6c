/** Texts, plurals, numbers and dates in the member's language. The words are in src/texts/*.json, none in code. */
import { createContext, useContext, type ReactNode } from 'react';
import en from '../texts/en.json';
import es from '../texts/es.json';
import esAR from '../texts/es-AR.json';
import { readPreference, writePreference } from './preferences';
import { createStore, useStore, type Store } from './store';

export type Language = 'en' | 'es';
export type TextKey = keyof typeof en;
type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>;

export const LANGUAGES: readonly Language[] = ['en', 'es'];
const TEXTS: Record<Language, Record<TextKey, Text>> = { en, es };
/** What a region says differently; all else is as in its language. */
const VARIANTS: Record<string, Partial<Record<TextKey, Text>>> = { 'es-AR': esAR, 'es-UY': esAR };
const STORED = 'mundo.language';

export interface Texts {
  language: Language;
  /** The language with the member's region when it fits (es-AR), for formats and Accept-Language. */
  locale: string;
  /** A text by key. `{name}` is filled from `values`; a text with plural forms chooses by `values.count`. */
  t(key: TextKey, values?: Record<string, string | number>): string;
  number(value: number): string;
  /** "3 minutes ago" within a week, a date after that. */
  ago(iso: string, now: number): string;
  day(iso: string): string;
  dayParts(iso: string): { day: string; month: string; weekday: string };
  time(iso: string): string;
  /** The hour and minute alone, where the day is told beside it. */
  clock(iso: string): string;
  moment(iso: string): string;
  month(iso: string): string;
}

export function createTexts(language: Language, preferred: readonly string[]): Texts {
  const locale = preferred.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? language;
  const table: Record<TextKey, Text> = { ...TEXTS[language], ...VARIANTS[locale] };
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const dates = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, options);
    return (iso: string) => format.format(new Date(iso));
  };
  const day = dates({ dateStyle: 'medium' });
  const partDay = dates({ day: 'numeric' });
  const partMonth = dates({ month: 'short' });
  const partWeekday = dates({ weekday: 'long' });

  return {
    language,
    locale,
    t(key, values = {}) {
      const text = table[key];
      const chosen =
        typeof text === 'string' ? text : (text[plurals.select(Number(values.count ?? 0))] ?? text.other ?? '');
      return chosen.replace(/\{(\w+)\}/g, (_, name: string) => {
        const value = values[name];
        return typeof value === 'number' ? numbers.format(value) : (value ?? '');
      });
    },
    number: (value) => numbers.format(value),
    ago(iso, now) {
      const seconds = Math.round((Date.parse(iso) - now) / 1000);
      const past = Math.abs(seconds);
      if (past < 45) return relative.format(0, 'second');
      if (past < 3_570) return relative.format(Math.round(seconds / 60), 'minute');
      if (past < 84_600) return relative.format(Math.round(seconds / 3_600), 'hour');
      if (past < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day');
      return day(iso);
    },
    day,
    dayParts: (iso) => ({ day: partDay(iso), month: partMonth(iso), weekday: partWeekday(iso) }),
    time: dates({ hour: 'numeric', minute: '2-digit', timeZoneName: 'short' }),
    clock: dates({ hour: 'numeric', minute: '2-digit' }),
    moment: dates({ dateStyle: 'long', timeStyle: 'short' }),
    month: dates({ month: 'long', year: 'numeric' }),
  };
}

/** The stored choice, else the first of the browser's languages that we speak, else English. */
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  const wishes = [stored, ...preferred].map((tag) => tag?.toLowerCase().split('-')[0]);
  return (wishes.find((tag) => LANGUAGES.includes(tag as Language)) as Language | undefined) ?? 'en';
}

export interface LanguageChoice extends Store<Texts> {
  choose(language: Language): void;
}

export function createLanguageChoice(): LanguageChoice {
  const preferred = navigator.languages;
  const store = createStore(createTexts(chooseLanguage(readPreference(STORED), preferred), preferred));
  document.documentElement.lang = store.get().locale;
  return {
    ...store,
    choose(language) {
      store.set(createTexts(language, preferred));
      document.documentElement.lang = store.get().locale;
      writePreference(STORED, language);
    },
  };
}

const TextsContext = createContext<Texts | null>(null);

export function TextsProvider({ choice, children }: { choice: LanguageChoice; children: ReactNode }) {
  return <TextsContext value={useStore(choice)}>{children}</TextsContext>;
}

export function useTexts(): Texts {
  const texts = useContext(TextsContext);
  if (!texts) throw new Error('useTexts outside of TextsProvider');
  return texts;
}
