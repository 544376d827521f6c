/** Initials on water; the same member always has the same shade. A picture, not text: the name stands beside it. */
export function Avatar({ id, name, size = 'medium' }: { id: string; name: string; size?: 'small' | 'medium' | 'large' }) {
  return (
    <span className={`avatar avatar-${size} shade-${shade(id)}`} data-initials={initials(name)} aria-hidden="true" />
  );
}

const SHADES = 6;

function shade(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.codePointAt(0)!) % 9973;
  return sum % SHADES;
}

/** First letters of the first and the last word, in any script. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = (word: string | undefined) => (word ? [...word][0]!.toLocaleUpperCase() : '');
  return words.length > 1 ? first(words[0]) + first(words.at(-1)) : first(words[0]);
}
