import { useState } from "react";
import { useWords } from "../../i18n/useWords";
import { count } from "../../model/format";
import type { Media, Message } from "../../model/messages";

const ROLES = ["system", "user", "assistant", "tool"] as const;
type Role = (typeof ROLES)[number];
/** Beyond this a message opens on demand, so that a page of text does not bury the rest. */
const LONG = 1_200;

/** The messages of a run as a chat. Text is text: nothing in it is rendered, loaded or run. */
export function Chat({ messages }: { messages: readonly Message[] }) {
  const t = useWords();
  return (
    <section>
      <h3>{t("detail.messages")}</h3>
      <ol className="chat">
        {messages.map((message, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: messages have no identity but their place
          <li key={index} className={`message ${message.role}`}>
            <span className="role">
              {ROLES.includes(message.role as Role) ? t(`roles.${message.role as Role}`) : message.role}
            </span>
            <Body message={message} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** A picture or a sound of the message; one that does not decode says so in its place. */
function Medium({ media }: { media: Media }) {
  const t = useWords();
  const [broken, setBroken] = useState(false);
  if (broken) return <span className="chip plain warn">{t(`detail.broken.${media.kind}`)}</span>;
  if (media.kind === "image") {
    return <img className="message-image" src={media.url} alt={t("detail.image")} onError={() => setBroken(true)} />;
  }
  return (
    // biome-ignore lint/a11y/useMediaCaption: what was said stands in the message, if the app kept it
    <audio className="message-audio" src={media.url} controls preload="metadata" onError={() => setBroken(true)} />
  );
}

function Body({ message }: { message: Message }) {
  const t = useWords();
  const [whole, setWhole] = useState(false);
  const { text } = message;
  return (
    <div className="message-body" dir="auto">
      {message.media.map((media) => (
        <Medium key={media.url.slice(-64)} media={media} />
      ))}
      {message.parts.slice(message.media.length).map((part) => (
        <span key={part} className="chip plain">
          {part}
        </span>
      ))}
      {text !== "" && <p>{whole || text.length <= LONG ? text : `${text.slice(0, LONG)}…`}</p>}
      {!whole && text.length > LONG && (
        <button type="button" className="quiet small" onClick={() => setWhole(true)}>
          {t("detail.truncatedText", { size: count(text.length) })}
        </button>
      )}
      {message.toolCalls.map((call) => (
        <p key={`${call.name} ${call.args}`} className="tool-call">
          <span className="muted">{t("detail.toolCall", { name: call.name })}</span>
          <code>{call.args}</code>
        </p>
      ))}
    </div>
  );
}
