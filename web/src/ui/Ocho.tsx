/** The mark: an ocho, the figure of eight that feet draw on the floor, as the swell of the sea. */
const PATH = 'M32 32C25 19 10 19 10 32s15 13 22 0 22-13 22 0-15 13-22 0Z';

export function Ocho({ moving = false }: { moving?: boolean }) {
  return (
    <svg className={moving ? 'ocho ocho-moving' : 'ocho'} viewBox="6 18 52 28" aria-hidden="true" focusable="false">
      <path className="ocho-trace" d={PATH} pathLength={100} />
      <path className="ocho-step" d={PATH} pathLength={100} />
    </svg>
  );
}

/** Many ochos inside each other, like rings on water. */
export function OchoRings() {
  return (
    <svg className="ocho-rings" viewBox="0 0 640 420" aria-hidden="true" focusable="false">
      {[1, 0.86, 0.72, 0.58, 0.44, 0.3, 0.16].map((size) => (
        <path
          key={size}
          d="M320 210C250 60 60 60 60 210s190 150 260 0 260-150 260 0-190 150-260 0Z"
          transform={`translate(${320 * (1 - size)} ${210 * (1 - size)}) scale(${size})`}
          opacity={0.12 + (1 - size) * 0.35}
        />
      ))}
    </svg>
  );
}

/** The water at the top of every page. */
export function Sea() {
  return (
    <div className="sea" aria-hidden="true">
      <svg className="sea-waves" viewBox="0 0 1440 120" preserveAspectRatio="none" focusable="false">
        <path className="wave wave-far" d="M-720 58Q-540 18-360 58T0 58 360 58 720 58 1080 58 1440 58 1800 58 2160 58V121H-720Z" />
        <path className="wave wave-mid" d="M-720 74Q-540 108-360 74T0 74 360 74 720 74 1080 74 1440 74 1800 74 2160 74V121H-720Z" />
        <path className="wave wave-near" d="M-720 94Q-540 66-360 94T0 94 360 94 720 94 1080 94 1440 94 1800 94 2160 94V121H-720Z" />
      </svg>
    </div>
  );
}
