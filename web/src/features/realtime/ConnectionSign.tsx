import { useEffect, useState } from 'react';
import { useMember } from '../../app/context';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import type { ConnectionState } from 'mundo-tango-client';

/** A blip of this length is nobody's business. */
const PATIENCE_MS = 900;

/** A quiet dot while the line holds; words when it does not. */
export function ConnectionSign() {
  const { connection } = useMember();
  const { t } = useTexts();
  const state = useSteady(useStore(connection));
  const shown = state === 'idle' ? 'connecting' : state;
  return (
    <span className={`connection connection-${shown}`} role="status">
      <i aria-hidden="true" />
      <span>{t(`connection.${shown}`)}</span>
    </span>
  );
}

/** The state, except that bad news waits a moment in case it passes. */
function useSteady(state: ConnectionState): ConnectionState {
  const [steady, setSteady] = useState(state);
  useEffect(() => {
    if (state === 'online') return setSteady(state);
    const timer = setTimeout(() => setSteady(state), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return steady;
}
