import { useEffect } from 'react';
import { useTexts } from '../platform/texts';

export function usePageTitle(title: string): void {
  const { t } = useTexts();
  const name = t('app.name');
  useEffect(() => {
    document.title = title ? `${title} · ${name}` : name;
  }, [title, name]);
}
