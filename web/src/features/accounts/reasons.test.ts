import { expect, it } from 'vitest';
import securityLog from '../../../../crates/accounts/src/security_log/mod.rs?raw';
import roles from '../../../../crates/accounts/src/roles.rs?raw';
import sessions from '../../../../crates/accounts/src/sessions/mod.rs?raw';
import en from '../../texts/en.json';
import { createTexts } from '../../platform/texts';
import { detailText, isAlarming, kindText, reasonText } from './reasons';

/** The words of a `choice!` in the server's source: what it may ever say. */
function words(source: string, name: string): string[] {
  const body = source.split(`pub enum ${name} {`)[1]!.split('}')[0]!;
  return [...body.matchAll(/= "(\w+)"/g)].map((match) => match[1]!);
}

it('has a sentence for every reason the server knows', () => {
  const reasons = words(sessions, 'Reason');
  expect(reasons).toContain('too_many_sessions');
  for (const reason of reasons) {
    expect(reasonText(reason), reason).not.toBe('ended.unknown');
    expect(Object.keys(en)).toContain(reasonText(reason));
  }
});

it('has words for every kind of entry the server writes', () => {
  const kinds = words(securityLog, 'SecurityEvent');
  expect(kinds).toContain('token_from_the_future');
  for (const kind of kinds) {
    expect(kindText(kind), kind).not.toBe('log.unknown');
    expect(Object.keys(en)).toContain(kindText(kind));
  }
});

it('names every role that was given or taken', () => {
  const texts = createTexts('en', []);
  const known = words(roles, 'Role');
  expect(known).toContain('community_leader');
  for (const role of known) expect(detailText('roles_changed', `+${role}`, texts), role).not.toContain('+');
  expect(detailText('roles_changed', '-platform_volunteer', texts)).toBe('Role taken: Platform volunteer');
  expect(detailText('roles_changed', '+of_a_newer_server', texts)).toBe('+of_a_newer_server');
  expect(detailText('session_ended', 'suspended', texts)).toBe('This account was suspended.');
});

it('says something of a word it does not know', () => {
  expect(reasonText('of_a_newer_server')).toBe('ended.unknown');
  expect(kindText('of_a_newer_server')).toBe('log.unknown');
});

it('marks what deserves a second look', () => {
  expect(isAlarming('session_ended', 'token_reuse')).toBe(true);
  expect(isAlarming('session_ended', 'log_out')).toBe(false);
  expect(isAlarming('log_in_failed', null)).toBe(true);
  expect(isAlarming('logged_in', null)).toBe(false);
});
