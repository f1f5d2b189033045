// The messages of the feed. Their types come from the server's own document.
import type { Schemas } from '../api/client';

export type DownloadProgress = Schemas['DownloadProgress'];
export type TokenizationProgress = Schemas['TokenizationProgress'];
export type FileProgress = Schemas['FileProgress'];
/** A dataset on one line. */
export type Summary = Schemas['DatasetSummary'];

/** What `dataset/{id}` brings. */
export type DatasetMessage = Schemas['DatasetMessage'] | Schemas['DatasetSnapshotMessage'];
/** What `datasets` brings. */
export type PanelMessage = Schemas['PanelMessage'] | Schemas['PanelSnapshotMessage'];
export type ChannelMessage = DatasetMessage | PanelMessage;
export type ServerMessage = ChannelMessage | Schemas['FeedAnswer'];

export function isChannelMessage(message: ServerMessage): message is ChannelMessage {
  return 'event' in message;
}

/** Which of the two kinds of channel a message is of. */
export function isPanelMessage(message: ChannelMessage): message is PanelMessage {
  return message.channel === 'datasets';
}

/** Reads a frame; what is not understood is left out, as a newer server may say more. */
export function parseMessage(text: string): ServerMessage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const known = ('event' in value && 'channel' in value) || 'type' in value;
    return known ? (value as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}
