import type { TextKey } from '../../platform/texts';
import type { NewAccount } from './session';

/**
 * What can be said before asking the server, which has the last word. Answers the key of a sentence per field.
 */
export function checkNewAccount(account: NewAccount): Partial<Record<keyof NewAccount, TextKey>> {
  const found: Partial<Record<keyof NewAccount, TextKey>> = {};
  const name = account.display_name.trim();
  if (name === '') found.display_name = 'field.required';
  else if ([...name].length > 80) found.display_name = 'field.display_name_long';

  const username = account.username.trim();
  if (username === '') found.username = 'field.required';
  else if (!/^[a-z0-9_]{3,30}$/i.test(username)) found.username = 'field.username_invalid';

  const email = checkEmail(account.email);
  if (email) found.email = email;
  const password = checkNewPassword(account.password);
  if (password) found.password = password;
  return found;
}

export function checkEmail(given: string): TextKey | null {
  const email = given.trim();
  if (email === '') return 'field.required';
  return /^[^\s@]+@[^\s@]+$/.test(email) ? null : 'field.email_invalid';
}

export function checkNewPassword(password: string): TextKey | null {
  const length = [...password].length;
  if (length === 0) return 'field.required';
  if (length < 8) return 'field.password_short';
  return length > 128 ? 'field.password_long' : null;
}
