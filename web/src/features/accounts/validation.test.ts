import { expect, it } from 'vitest';
import { checkNewAccount } from './validation';

const GOOD = { email: 'ana@example.test', password: 'abrazo cerrado', username: 'ana_88', display_name: 'Ana' };

it('lets a good account pass', () => {
  expect(checkNewAccount(GOOD)).toEqual({});
  expect(checkNewAccount({ ...GOOD, username: 'ANA', display_name: '💃'.repeat(80), password: 'ñ'.repeat(128) })).toEqual({});
});

it('says what is wrong with each field', () => {
  expect(checkNewAccount({ email: ' ', password: '', username: '', display_name: '' })).toEqual({
    email: 'field.required',
    password: 'field.required',
    username: 'field.required',
    display_name: 'field.required',
  });
  expect(checkNewAccount({ email: 'ana', password: '1234567', username: 'añ', display_name: 'x'.repeat(81) })).toEqual({
    email: 'field.email_invalid',
    password: 'field.password_short',
    username: 'field.username_invalid',
    display_name: 'field.display_name_long',
  });
  expect(checkNewAccount({ ...GOOD, password: 'x'.repeat(129) })).toEqual({ password: 'field.password_long' });
});
