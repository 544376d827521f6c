import { useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { maySeeGuard } from '../guard/guard';
import { navigate } from '../../platform/router';
import { useStore } from '../../platform/store';
import { LANGUAGES, useTexts } from '../../platform/texts';
import { THEMES } from '../../platform/theme';
import { Avatar } from '../../ui/Avatar';
import { CheckIcon } from '../../ui/icons';
import { Menu, MenuChoice, MenuGroup, MenuItem } from '../../ui/Menu';

export function AccountMenu() {
  const { session, language, theme, notices } = useApp();
  const { me } = useMember();
  const { t, language: current } = useTexts();
  const shownTheme = useStore(theme);
  const [leaving, setLeaving] = useState(false);

  async function logOut(): Promise<void> {
    setLeaving(true);
    try {
      await session.logOut();
    } catch (cause) {
      // Still logged in, and said so: the cookie could not be taken back.
      notices.trouble(cause);
      setLeaving(false);
    }
  }

  return (
    <Menu
      label={t('account.menu', { name: me.display_name })}
      className="account-menu"
      buttonClass="account-button"
      button={<Avatar id={me.id} name={me.display_name} size="small" />}
    >
      {(close) => (
        <>
          <div className="account-who" role="presentation">
            <strong>{me.display_name}</strong>
            <span>@{me.username}</span>
          </div>
          <MenuItem
            onSelect={() => {
              close();
              navigate(`/members/${me.username}`);
            }}
          >
            {t('account.profile')}
          </MenuItem>
          <MenuItem
            onSelect={() => {
              close();
              navigate('/settings/sessions');
            }}
          >
            {t('account.security')}
          </MenuItem>
          {maySeeGuard(me) && (
            <MenuItem
              onSelect={() => {
                close();
                navigate('/guard');
              }}
            >
              {t('account.guard')}
            </MenuItem>
          )}
          <MenuGroup label={t('account.language')}>
            {LANGUAGES.map((each) => (
              <MenuChoice key={each} checked={each === current} onSelect={() => language.choose(each)}>
                <span lang={each}>{t(`account.language.${each}`)}</span>
                {each === current && <CheckIcon />}
              </MenuChoice>
            ))}
          </MenuGroup>
          <MenuGroup label={t('account.theme')}>
            {THEMES.map((each) => (
              <MenuChoice key={each} checked={each === shownTheme} onSelect={() => theme.choose(each)}>
                {t(`account.theme.${each}`)}
                {each === shownTheme && <CheckIcon />}
              </MenuChoice>
            ))}
          </MenuGroup>
          <MenuItem className="menu-item-last" onSelect={() => void logOut()}>
            {leaving ? t('account.logging_out') : t('account.log_out')}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
