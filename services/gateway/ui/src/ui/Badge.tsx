// Badges, and the one that says a status: by icon and word, never by colour alone.
import type { ReactNode } from 'react';
import { cx } from './cx';
import { Icon, type IconName } from './Icon';

export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'info' | 'accent';

const TONES: Record<Tone, string> = {
  neutral: 'bg-sunken text-muted border-line',
  good: 'bg-good-soft text-good border-transparent',
  warn: 'bg-warn-soft text-warn border-transparent',
  bad: 'bg-bad-soft text-bad border-transparent',
  info: 'bg-info-soft text-info border-transparent',
  accent: 'bg-accent-soft text-accent-text border-transparent',
};

interface BadgeProps {
  tone?: Tone;
  icon?: IconName;
  spin?: boolean;
  title?: string;
  children: ReactNode;
}

export function Badge({ tone = 'neutral', icon, spin = false, title, children }: BadgeProps) {
  return (
    <span
      title={title}
      className={cx(
        'inline-flex h-5 shrink-0 items-center gap-1 rounded-sm border px-1.5 text-2xs font-medium whitespace-nowrap',
        TONES[tone],
      )}
    >
      {icon && <Icon name={icon} size={12} className={spin ? 'motion-safe:animate-spin' : ''} />}
      {children}
    </span>
  );
}

interface Look {
  word: string;
  tone: Tone;
  icon: IconName;
  spin?: boolean;
}

// All states of datasets, tokenizations and jobs.
const STATES = {
  pending: { word: 'Pending', tone: 'neutral', icon: 'clock' },
  queued: { word: 'Queued', tone: 'neutral', icon: 'clock' },
  downloading: { word: 'Downloading', tone: 'info', icon: 'download' },
  running: { word: 'Running', tone: 'info', icon: 'spinner', spin: true },
  ready: { word: 'Ready', tone: 'good', icon: 'checkCircle' },
  succeeded: { word: 'Succeeded', tone: 'good', icon: 'checkCircle' },
  failed: { word: 'Failed', tone: 'bad', icon: 'alert' },
  cancelled: { word: 'Cancelled', tone: 'neutral', icon: 'ban' },
  deleting: { word: 'Deleting', tone: 'warn', icon: 'trash' },
} satisfies Record<string, Look>;

export type Status = keyof typeof STATES;

export function statusWord(status: Status): string {
  return STATES[status].word;
}

export function statusIcon(status: Status): IconName {
  return STATES[status].icon;
}

export function StatusBadge({ status }: { status: Status }) {
  const look: Look = STATES[status];
  return (
    <Badge tone={look.tone} icon={look.icon} spin={look.spin}>
      {look.word}
    </Badge>
  );
}
