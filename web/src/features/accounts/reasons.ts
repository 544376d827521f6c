import type { TextKey, Texts } from '../../platform/texts';

/** Why a session ended: the words of the server's pushes and of its log, and the codes of /auth/refresh. */
const REASONS: Record<string, TextKey> = {
  log_out: 'ended.log_out',
  ended_by_member: 'ended.ended_by_member',
  ended_by_staff: 'ended.ended_by_staff',
  not_me: 'ended.not_me',
  token_reuse: 'ended.token_reuse',
  password_changed: 'ended.password_changed',
  too_many_sessions: 'ended.too_many_sessions',
  replaced: 'ended.replaced',
  expired: 'ended.expired',
  session_expired: 'ended.expired',
  suspended: 'ended.suspended',
  reinstated: 'ended.reinstated',
  roles_changed: 'ended.roles_changed',
  restored: 'ended.restored',
  leaving: 'ended.leaving',
  erased: 'ended.erased',
  session_revoked: 'ended.session_revoked',
  token_superseded: 'ended.token_superseded',
  device_required: 'ended.device_required',
  reauth_required: 'ended.reauth_required',
  invalid_token: 'ended.invalid_token',
};

/** A sentence for every reason, and a general one for a word of a newer server. */
export function reasonText(reason: string): TextKey {
  return REASONS[reason] ?? 'ended.unknown';
}

/** What happened, by the words of the security log. */
const KINDS: Record<string, TextKey> = {
  registered: 'log.registered',
  logged_in: 'log.logged_in',
  log_in_failed: 'log.log_in_failed',
  new_device: 'log.new_device',
  session_ended: 'log.session_ended',
  token_repeated: 'log.token_repeated',
  device_missing: 'log.device_missing',
  token_from_the_future: 'log.token_from_the_future',
  reauthenticated: 'log.reauthenticated',
  reauthentication_failed: 'log.reauthentication_failed',
  password_changed: 'log.password_changed',
  email_changed: 'log.email_changed',
  not_me: 'log.not_me',
  roles_changed: 'log.roles_changed',
  suspended: 'log.suspended',
  reinstated: 'log.reinstated',
  token_created: 'log.token_created',
  token_deleted: 'log.token_deleted',
  webhook_created: 'log.webhook_created',
  exported: 'log.exported',
  deletion_asked: 'log.deletion_asked',
  deletion_taken_back: 'log.deletion_taken_back',
};

export function kindText(kind: string): TextKey {
  return KINDS[kind] ?? 'log.unknown';
}

const ROLES: Record<string, TextKey> = {
  free: 'role.free',
  premium: 'role.premium',
  community_leader: 'role.community_leader',
  admin: 'role.admin',
  platform_contributor: 'role.platform_contributor',
  platform_volunteer: 'role.platform_volunteer',
  super_admin: 'role.super_admin',
  god: 'role.god',
};

/** What an entry adds in a word: why a session ended, or which role was given (`+admin`) or taken (`-admin`). */
export function detailText(kind: string, detail: string, { t }: Pick<Texts, 't'>): string {
  if (kind === 'session_ended') return t(reasonText(detail));
  const [sign, role] = [detail[0], ROLES[detail.slice(1)]];
  if (kind !== 'roles_changed' || role === undefined) return detail;
  return t(sign === '-' ? 'log.role_taken' : 'log.role_given', { role: t(role) });
}

/** What a member should look at twice. */
const ALARMING = new Set(['log_in_failed', 'new_device', 'device_missing', 'token_from_the_future', 'reauthentication_failed', 'not_me', 'suspended']);

export function isAlarming(kind: string, detail: string | null): boolean {
  return ALARMING.has(kind) || (kind === 'session_ended' && (detail === 'token_reuse' || detail === 'not_me'));
}
