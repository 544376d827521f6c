import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

/**
 * A button that opens a menu, after the menu-button pattern of the ARIA practices: arrows move, Home and End jump,
 * Escape closes and gives the focus back, a click elsewhere closes.
 * Children are `MenuItem`, `MenuChoice` and `MenuGroup`.
 */
export function Menu({
  label,
  button,
  className = '',
  buttonClass = 'button-quiet',
  children,
}: {
  label: string;
  button: ReactNode;
  className?: string;
  buttonClass?: string;
  children: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    (list.current?.querySelector<HTMLElement>('[aria-checked="true"]') ?? entries()[0])?.focus();
    const closeOutside = (event: PointerEvent) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', closeOutside);
    return () => document.removeEventListener('pointerdown', closeOutside);
  }, [open]);

  function entries(): HTMLElement[] {
    return [...(list.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]:not([aria-disabled="true"])') ?? [])];
  }

  function close(): void {
    setOpen(false);
    opener.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent): void {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const moves: Record<string, number> = {
      ArrowDown: (at + 1) % all.length,
      ArrowRight: (at + 1) % all.length,
      ArrowUp: (at - 1 + all.length) % all.length,
      ArrowLeft: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    };
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    } else if (event.key === 'Tab') {
      setOpen(false);
    } else if (event.key in moves) {
      event.preventDefault();
      all[moves[event.key]!]?.focus();
    }
  }

  return (
    <div className={`menu ${className}`} ref={frame}>
      <button
        ref={opener}
        type="button"
        className={buttonClass}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            setOpen(true);
          }
        }}
      >
        {button}
      </button>
      {open && (
        <div className="menu-list" role="menu" id={id} aria-label={label} ref={list} onKeyDown={onKeyDown}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

export function MenuItem({
  onSelect,
  children,
  className = '',
}: {
  onSelect: () => void;
  children: ReactNode;
  className?: string;
}) {
  return (
    <button type="button" role="menuitem" tabIndex={-1} className={`menu-item ${className}`} onClick={onSelect}>
      {children}
    </button>
  );
}

export function MenuChoice({
  checked,
  onSelect,
  children,
  label,
  className = '',
}: {
  checked: boolean;
  onSelect: () => void;
  children: ReactNode;
  label?: string;
  className?: string;
}) {
  return (
    <button
      type="button"
      role="menuitemradio"
      aria-checked={checked}
      aria-label={label}
      tabIndex={-1}
      className={`menu-item ${className}`}
      onClick={onSelect}
    >
      {children}
    </button>
  );
}

export function MenuGroup({ label, children }: { label: string; children: ReactNode }) {
  const id = useId();
  return (
    <div role="group" aria-labelledby={id} className="menu-group">
      <span id={id} className="menu-group-name">
        {label}
      </span>
      {children}
    </div>
  );
}
