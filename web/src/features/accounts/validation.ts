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

  const email = account.email.trim();
  if (email === '') found.email = 'field.required';
  else if (!/^[^\s@]+@[^\s@]+$/.test(email)) found.email = 'field.email_invalid';

  const length = [...account.password].length;
  if (length === 0) found.password = 'field.required';
  else if (length < 8) found.password = 'field.password_short';
  else if (length > 128) found.password = 'field.password_long';
  return found;
}
