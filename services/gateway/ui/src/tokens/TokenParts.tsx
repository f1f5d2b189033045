// The inside of a token: text as text, unseen characters as marks, split characters as bytes.
import type { Part } from './spans';

export function TokenParts({ parts }: { parts: readonly Part[] }) {
  return parts.map((part, index) => {
    if (part.kind === 'text') return part.text;
    if (part.kind === 'mark')
      return (
        <span key={index} className="token-mark" data-name={part.name}>
          {part.mark}
        </span>
      );
    return (
      <span key={index} className="token-byte">
        {part.byte.toString(16).toUpperCase().padStart(2, '0')}
      </span>
    );
  });
}
