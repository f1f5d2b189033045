// A conversation as bubbles: who speaks is said by word and side, not by colour alone.
import { speakerOf, type Message } from './conversation';
import { VisibleText } from './VisibleText';

interface ChatBubblesProps {
  messages: readonly Message[];
  /** Characters of a message that are drawn at most. */
  limit?: number;
}

export function ChatBubbles({ messages, limit }: ChatBubblesProps) {
  return (
    <ol className="chat">
      {messages.map(({ role, text }, index) => (
        <li key={index} className={`chat-bubble chat-${speakerOf(role)}`}>
          <span className="chat-role">
            <VisibleText text={role} limit={40} />
          </span>
          <p className="chat-text">
            <VisibleText text={text} breaks {...(limit === undefined ? {} : { limit })} />
          </p>
        </li>
      ))}
    </ol>
  );
}
