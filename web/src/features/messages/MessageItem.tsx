import { useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useTexts } from '../../platform/texts';
import { Dialog } from '../../ui/Dialog';
import { MoreIcon, ReactionIcon, SmileIcon } from '../../ui/icons';
import { Menu, MenuChoice, MenuItem } from '../../ui/Menu';
import { problemText } from '../../ui/problemText';
import { Verified } from '../members/Verified';
import { bodyParts } from '../posts/posts';
import { BodyField, publishable } from '../posts/BodyField';
import { REACTIONS, type ReactionType } from '../reactions/reactions';
import type { Conversation, Draft, Message } from './conversation';

/** What stands in a line of a room. */
export function MessageItem({
  message,
  conversation,
  day,
  follows,
  answers,
  seen,
  mayModerate,
  onReply,
}: {
  message: Message;
  conversation: Conversation;
  /** The day that begins with this message. */
  day: string | null;
  follows: boolean;
  answers: Message | 'elsewhere' | null;
  seen: boolean;
  mayModerate: boolean;
  onReply: () => void;
}) {
  const { me } = useMember();
  const { notices } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const mine = message.sender.id === me.id;

  function react(type: ReactionType | null): void {
    conversation.react(message.id, type).catch(notices.trouble);
  }

  return (
    <>
      {day !== null && (
        <li className="chat-day">
          <span>{day}</span>
        </li>
      )}
      <li className={`message ${mine ? 'message-mine' : ''} ${follows ? 'message-follows' : ''}`}>
        {!mine && !follows && (
          <strong className="message-who">
            {message.sender.display_name}
            <Verified of={message.sender} />
          </strong>
        )}
        {mine && <span className="visually-hidden">{t('chat.you')}</span>}
        <div className="message-bubble">
          {answers !== null && !message.deleted && <Quote of={answers} />}
          {message.forwarded && !message.deleted && <span className="message-mark">{t('chat.forwarded')}</span>}
          {message.deleted ? (
            <p className="message-gone">{t('chat.deleted')}</p>
          ) : editing ? (
            <Editor message={message} conversation={conversation} onDone={() => setEditing(false)} />
          ) : (
            <Words body={message.body} />
          )}
          <span className="message-when">
            <time dateTime={message.created_at} title={texts.moment(message.created_at)}>
              {texts.clock(message.created_at)}
            </time>
            {message.edited_at && !message.deleted && <span>{t('post.edited')}</span>}
            {seen && <span className="message-seen">{t('chat.seen')}</span>}
          </span>
        </div>
        {!message.deleted && (
          <div className="message-tools">
            <Menu label={t('reaction.more')} className="reaction-menu" button={<SmileIcon />}>
              {(close) =>
                REACTIONS.map((type) => (
                  <MenuChoice
                    key={type}
                    checked={message.reaction === type}
                    label={t(`reaction.${type}`)}
                    className={`reaction-choice reacted-${type}`}
                    onSelect={() => (close(), react(message.reaction === type ? null : type))}
                  >
                    <ReactionIcon type={type} />
                    <span aria-hidden="true">{t(`reaction.${type}`)}</span>
                  </MenuChoice>
                ))
              }
            </Menu>
            <Menu label={t('chat.message_options')} button={<MoreIcon />}>
              {(close) => (
                <>
                  <MenuItem onSelect={() => (close(), onReply())}>{t('chat.reply')}</MenuItem>
                  {mine && <MenuItem onSelect={() => (close(), setEditing(true))}>{t('post.edit')}</MenuItem>}
                  {(mine || mayModerate) && (
                    <MenuItem className="menu-item-danger" onSelect={() => (close(), setDeleting(true))}>
                      {t('post.delete')}
                    </MenuItem>
                  )}
                </>
              )}
            </Menu>
          </div>
        )}
        {message.reactions.length > 0 && (
          <ul className="message-reactions" aria-label={t('chat.reactions')}>
            {message.reactions.map(({ type, count }) => (
              <li key={type} className={`reacted reacted-${type}`}>
                <ReactionIcon type={type} />
                <span className="visually-hidden">{t(`reaction.${type}`)}</span>
                {texts.number(count)}
              </li>
            ))}
          </ul>
        )}
      </li>
      {deleting && (
        <Dialog title={t('chat.delete_title')} onCancel={() => setDeleting(false)}>
          <p>{t('chat.delete_hint')}</p>
          <div className="actions">
            <button type="button" className="button-soft" onClick={() => setDeleting(false)}>
              {t('app.cancel')}
            </button>
            <button
              type="button"
              className="button-danger"
              onClick={() => {
                setDeleting(false);
                conversation.remove(message.id).catch(notices.trouble);
              }}
            >
              {t('post.delete')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Words({ body }: { body: string }) {
  return (
    <p className="message-body" dir="auto">
      {bodyParts(body).map((part, index) =>
        part.kind === 'link' ? (
          <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">
            {part.text}
          </a>
        ) : (
          part.text
        ),
      )}
    </p>
  );
}

export function Quote({ of }: { of: Message | 'elsewhere' }) {
  const { t } = useTexts();
  return (
    <blockquote className="message-quote" dir="auto">
      {of === 'elsewhere' ? (
        t('chat.answers_earlier')
      ) : (
        <>
          <strong>{of.sender.display_name}</strong> {of.deleted ? t('chat.deleted') : of.body}
        </>
      )}
    </blockquote>
  );
}

function Editor({
  message,
  conversation,
  onDone,
}: {
  message: Message;
  conversation: Conversation;
  onDone: () => void;
}) {
  const { notices } = useApp();
  const { t } = useTexts();
  const [body, setBody] = useState(message.body);
  function save(): void {
    if (!publishable(body)) return;
    conversation.edit(message.id, body).then(onDone, notices.trouble);
  }
  return (
    <form
      className="message-editor"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <BodyField label={t('chat.edit')} autoFocus value={body} onChange={setBody} onSubmit={save}>
        <div className="actions">
          <button type="button" className="button-soft" onClick={onDone}>
            {t('app.cancel')}
          </button>
          <button type="submit" className="button" aria-disabled={!publishable(body)}>
            {t('chat.save')}
          </button>
        </div>
      </BodyField>
    </form>
  );
}

/** A message on its way, or one that did not get through. */
export function DraftItem({ draft, conversation }: { draft: Draft; conversation: Conversation }) {
  const texts = useTexts();
  const { t } = texts;
  return (
    <li className={draft.problem ? 'message message-mine message-failed' : 'message message-mine message-waiting'}>
      <div className="message-bubble">
        <Words body={draft.body} />
        <span className="message-when">{draft.problem ? t('chat.not_sent') : t('chat.sending')}</span>
      </div>
      {draft.problem && (
        <div className="message-problem">
          <p role="alert">{problemText(draft.problem, texts)}</p>
          <div className="actions">
            <button type="button" className="button-soft" onClick={() => conversation.retry(draft.client_id)}>
              {t('app.retry')}
            </button>
            <button type="button" className="button-quiet" onClick={() => conversation.discard(draft.client_id)}>
              {t('post.discard')}
            </button>
          </div>
        </div>
      )}
    </li>
  );
}
