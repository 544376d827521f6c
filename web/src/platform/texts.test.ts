import { describe, expect, it } from 'vitest';
import en from '../texts/en.json';
import es from '../texts/es.json';
import esAR from '../texts/es-AR.json';
import { chooseLanguage, createTexts } from './texts';

type Text = string | Record<string, string>;
const tables: Record<string, Record<string, Text>> = { en, es };

describe.each(Object.entries(tables))('the texts in %s', (language, table) => {
  it('are complete, and hold no key that nobody knows', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(en).sort());
  });

  it('have every plural form of their language', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.slice().sort();
    for (const [key, text] of Object.entries(table)) {
      if (typeof text !== 'string') expect(Object.keys(text).sort(), key).toEqual(forms);
    }
  });

  it('fill in the same values', () => {
    const values = (text: Text) => [...new Set(JSON.stringify(text).match(/\{\w+\}/g) ?? [])].sort();
    for (const [key, text] of Object.entries(table)) {
      expect(values(text), key).toEqual(values((en as Record<string, Text>)[key]!));
    }
  });

  it('are not empty', () => {
    for (const [key, text] of Object.entries(table)) {
      for (const form of typeof text === 'string' ? [text] : Object.values(text)) expect(form.trim(), key).not.toBe('');
    }
  });
});

it('the Argentine variant changes texts that exist, and only those that differ', () => {
  for (const [key, text] of Object.entries(esAR)) {
    expect(Object.keys(es)).toContain(key);
    expect(text, key).not.toEqual((es as Record<string, Text>)[key]);
  }
  expect(createTexts('es', ['es-AR']).t('sign_up.have_account')).toBe('¿Ya tenés cuenta?');
  expect(createTexts('es', ['es-ES']).t('sign_up.have_account')).toBe('¿Ya tienes cuenta?');
});

describe('a text', () => {
  it('chooses its plural form and writes numbers as the language does', () => {
    const english = createTexts('en', ['en-GB']);
    expect(english.t('members.followers', { count: 1 })).toBe('1 follower');
    expect(english.t('members.followers', { count: 1234 })).toBe('1,234 followers');
    expect(createTexts('es', ['es-AR']).t('members.followers', { count: 12345 })).toBe('12.345 seguidores');
  });

  it('tells time in words, then as a date', () => {
    const texts = createTexts('en', []);
    const now = Date.parse('2026-11-23T12:00:00Z');
    expect(texts.ago('2026-11-23T11:59:50Z', now)).toBe('now');
    expect(texts.ago('2026-11-23T11:00:40Z', now)).toBe('59 minutes ago');
    expect(texts.ago('2026-11-23T11:00:20Z', now)).toBe('1 hour ago');
    expect(texts.ago('2026-11-22T12:00:00Z', now)).toBe('yesterday');
    expect(texts.ago('2026-10-01T12:00:00Z', now)).toBe('Oct 1, 2026');
  });
});

it('speaks the first language it shares with the member', () => {
  expect(chooseLanguage(null, ['pt-BR', 'es-UY', 'en'])).toBe('es');
  expect(chooseLanguage('en', ['es-AR'])).toBe('en');
  expect(chooseLanguage('xx', ['ja'])).toBe('en');
});
