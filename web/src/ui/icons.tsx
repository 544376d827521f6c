import type { ReactNode } from 'react';
import type { ReactionType } from '../features/reactions/reactions';

/** Line drawings on a 24 by 24 grid, in the colour of the text. Always beside or inside something that has a name. */
function icon(children: ReactNode, name?: string) {
  return function Icon() {
    return (
      <svg className={name ? `icon ${name}` : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        {children}
      </svg>
    );
  };
}

export const FeedIcon = icon(<path d="M3 8.5c3-3 6-3 9 0s6 3 9 0M3 15.5c3-3 6-3 9 0s6 3 9 0" />);
export const MembersIcon = icon(
  <>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.5 20c.6-4 3-6 6.5-6s5.9 2 6.5 6" />
    <path d="M15.5 4.9a3.5 3.5 0 0 1 0 6.2M18 14.6c2 .9 3.2 2.7 3.5 5.4" />
  </>,
);
export const VerifiedIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M7.8 12.4l2.9 2.8 5.5-6" />
  </>,
);
export const EventsIcon = icon(
  <>
    <rect x="3.5" y="5" width="17" height="15.5" rx="3.5" />
    <path d="M3.5 10h17M8 2.8v4M16 2.8v4M8.5 15.5l2.3 2.2 4.7-4.5" />
  </>,
);
export const ProfileIcon = icon(
  <>
    <circle cx="12" cy="8" r="4" />
    <path d="M4.5 20.5c.8-4.5 3.5-6.5 7.5-6.5s6.7 2 7.5 6.5" />
  </>,
);
export const GroupsIcon = icon(
  <>
    <circle cx="12" cy="7.5" r="3" />
    <circle cx="5" cy="10" r="2.2" />
    <circle cx="19" cy="10" r="2.2" />
    <path d="M6.5 20c.4-3.8 2.6-5.8 5.5-5.8s5.1 2 5.5 5.8M1.8 17.5c.2-2.2 1.4-3.5 3.4-3.7M22.2 17.5c-.2-2.2-1.4-3.5-3.4-3.7" />
  </>,
);
export const BellIcon = icon(
  <>
    <path d="M6 10a6 6 0 0 1 12 0c0 5 2 6.5 2 7.5H4c0-1 2-2.5 2-7.5Z" />
    <path d="M9.8 20.5c.8 1.3 3.6 1.3 4.4 0" />
  </>,
);
export const SearchIcon = icon(
  <>
    <circle cx="10.5" cy="10.5" r="6.5" />
    <path d="m15.5 15.5 5 5" />
  </>,
);
export const ChatIcon = icon(<path d="M4 5.5h16a1.5 1.5 0 0 1 1.5 1.5v8.5A1.5 1.5 0 0 1 20 17h-8l-5.5 4v-4H4a1.5 1.5 0 0 1-1.5-1.5V7A1.5 1.5 0 0 1 4 5.5ZM7.5 10h9M7.5 13h5" />);
export const PlusIcon = icon(<path d="M12 5v14M5 12h14" />);
export const SendIcon = icon(<path d="M4 12 20.5 4.5 15 20l-3.5-6.5L4 12Zm7.5 1.5L20.5 4.5" />);
export const MoreIcon = icon(
  <>
    <circle cx="5" cy="12" r="1.2" />
    <circle cx="12" cy="12" r="1.2" />
    <circle cx="19" cy="12" r="1.2" />
  </>,
);
export const ChevronIcon = icon(<path d="m6 9.5 6 6 6-6" />);
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7" />);
export const CloseIcon = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const UpIcon = icon(<path d="M12 20V5M5.5 11 12 4.5 18.5 11" />);
export const BackIcon = icon(<path d="M20 12H5M11 5.5 4.5 12l6.5 6.5" />);
export const PlaceIcon = icon(
  <>
    <path d="M12 21.5s7-6.2 7-11.7a7 7 0 0 0-14 0c0 5.5 7 11.7 7 11.7Z" />
    <circle cx="12" cy="9.8" r="2.5" />
  </>,
);
export const ClockIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M12 7v5l3.5 2" />
  </>,
);
export const EyeIcon = icon(
  <>
    <path d="M2 12c2.5-4.7 5.8-7 10-7s7.5 2.3 10 7c-2.5 4.7-5.8 7-10 7s-7.5-2.3-10-7Z" />
    <circle cx="12" cy="12" r="3" />
  </>,
);
export const EyeOffIcon = icon(
  <>
    <path d="M5 6.8C3.9 8 2.9 9.7 2 12c2.5 4.7 5.8 7 10 7 1.9 0 3.6-.5 5.2-1.4M9.5 5.3A9.6 9.6 0 0 1 12 5c4.2 0 7.5 2.3 10 7-.6 1.2-1.3 2.2-2 3.1" />
    <path d="M3 3l18 18" />
  </>,
);
export const SmileIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M8.5 14.2c1.8 2.2 5.2 2.2 7 0M9 9.5v.4M15 9.5v.4" />
  </>,
);

const face = <circle cx="12" cy="12" r="9" />;
const thumb = (
  <path d="M7.5 10.8 11 3.6c1.7 0 2.9 1.3 2.7 3l-.4 2.9h4.9c1.5 0 2.6 1.4 2.2 2.9l-1.5 5.9a2.3 2.3 0 0 1-2.2 1.7H7.5m0-9.2v9.2m0-9.2H3.8v9.2h3.7" />
);

const REACTION_ICONS: Record<ReactionType, () => ReactNode> = {
  like: icon(thumb, 'reaction-like'),
  love: icon(
    <path d="M12 20.3S3.5 15.2 3.5 9.2c0-2.7 2-4.7 4.5-4.7 1.7 0 3.2.9 4 2.4.8-1.5 2.3-2.4 4-2.4 2.5 0 4.5 2 4.5 4.7 0 6-8.5 11.1-8.5 11.1Z" />,
    'reaction-love',
  ),
  laugh: icon(
    <>
      {face}
      <path d="M7.5 13.2h9c-.5 2.7-2.2 4.2-4.5 4.2s-4-1.5-4.5-4.2ZM7.7 9.6l1.3-1 1.3 1M13.7 9.6l1.3-1 1.3 1" />
    </>,
    'reaction-laugh',
  ),
  sad: icon(
    <>
      {face}
      <path d="M8.5 16.5c1.8-2.2 5.2-2.2 7 0M9 9.8v.4M15 9.8v.4" />
    </>,
    'reaction-sad',
  ),
  angry: icon(
    <>
      {face}
      <path d="M8.5 16.5c1.8-1.8 5.2-1.8 7 0M7.5 8.3l2.8 1.6M16.5 8.3l-2.8 1.6M9.3 11.5v.2M14.7 11.5v.2" />
    </>,
    'reaction-angry',
  ),
  dislike: icon(<g transform="rotate(180 12 12)">{thumb}</g>, 'reaction-dislike'),
};

export function ReactionIcon({ type }: { type: ReactionType }) {
  const Drawn = REACTION_ICONS[type];
  return <Drawn />;
}
export const PictureIcon = icon(
  <>
    <rect x="3" y="4.5" width="18" height="15" rx="3" />
    <circle cx="8.5" cy="9.5" r="1.6" />
    <path d="m4 17 5-4.5 3.5 3 3-2.5 5 4" />
  </>,
);
