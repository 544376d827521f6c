import { useTexts } from '../../platform/texts';
import type { MediaView } from './uploads';

/** What is attached to a post or a message. Each picture keeps its place before it is there. */
export function MediaGrid({ media }: { media: readonly MediaView[] }) {
  if (media.length === 0) return null;
  return (
    <div className={media.length === 1 ? 'media-grid media-one' : 'media-grid'}>
      {media.map((each) => (
        <MediaItem key={each.id} media={each} />
      ))}
    </div>
  );
}

function MediaItem({ media }: { media: MediaView }) {
  const { t } = useTexts();
  switch (media.kind) {
    case 'video':
      return <video controls preload="metadata" src={media.url} aria-label={media.alt || t('media.video')} />;
    case 'audio':
      return <audio controls preload="none" src={media.url} aria-label={media.alt || t('media.audio')} />;
    case 'image':
      return (
        <a href={media.url} target="_blank" rel="noreferrer" aria-label={media.alt || t('media.picture')}>
          <img
            src={media.sizes.at(-1)?.url ?? media.url}
            srcSet={[...media.sizes, { url: media.url, width: media.width ?? 0 }]
              .filter((size) => size.width > 0)
              .map((size) => `${size.url} ${size.width}w`)
              .join(', ')}
            sizes="(max-width: 700px) 100vw, 600px"
            width={media.width ?? undefined}
            height={media.height ?? undefined}
            alt={media.alt}
            loading="lazy"
            decoding="async"
          />
        </a>
      );
  }
}
