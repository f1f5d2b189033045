// The icons: strokes on a grid of 16, in the colour of the text around them, never the only carrier of a meaning.
const PATHS = {
  add: 'M8 3v10M3 8h10',
  alert: 'M8 2.2 14.2 13H1.8L8 2.2ZM8 6.4v3M8 11.2v.1',
  arrowLeft: 'M13 8H3.5M7 4 3 8l4 4',
  arrowRight: 'M3 8h9.5M9 4l4 4-4 4',
  ban: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM3.8 3.8l8.4 8.4',
  box: 'M2.5 4.8 8 2l5.5 2.8v6.4L8 14l-5.5-2.8V4.8ZM2.5 4.8 8 7.6l5.5-2.8M8 7.6V14',
  check: 'm3 8.5 3.3 3.3L13 4.8',
  checkCircle: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM5.4 8.2l1.8 1.8 3.4-3.7',
  chevronDown: 'm4 6 4 4 4-4',
  chevronLeft: 'm10 4-4 4 4 4',
  chevronRight: 'm6 4 4 4-4 4',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.2l2.2 1.4',
  close: 'm4 4 8 8M12 4l-8 8',
  compare: 'M6 2.5v11M10 2.5v11M2.5 5H6M2.5 8H6M10 8h3.5M10 11h3.5',
  copy: 'M5.5 5.5h7v8h-7zM10.5 5.5v-3h-7v8h2',
  database:
    'M13 4c0 1.1-2.2 2-5 2s-5-.9-5-2 2.2-2 5-2 5 .9 5 2ZM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2',
  download: 'M8 2.5v7.6M4.8 7 8 10.2 11.2 7M2.8 13.2h10.4',
  external: 'M9 3h4v4M13 3 7.5 8.5M11 9.5V13H3V5h3.5',
  file: 'M4 2h5l3 3v9H4V2ZM9 2v3h3',
  filter: 'M2.5 4h11M4.5 8h7M6.5 12h3',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.4v3.4M8 5.2v.1',
  list: 'M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.1M2.5 8h.1M2.5 12h.1',
  lock: 'M4 7.2h8V13H4zM5.6 7V5.2a2.4 2.4 0 0 1 4.8 0V7',
  monitor: 'M2.5 3h11v7.5h-11zM5.5 13.2h5',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6L12.6 8 5 3.2Z',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.4v2.9h-2.9',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3l3.2 3.2',
  signal: 'M8 12.4v.1M5.6 10a3.4 3.4 0 0 1 4.8 0M3.5 7.6a6.4 6.4 0 0 1 9 0M1.6 5.2a9.4 9.4 0 0 1 12.8 0',
  spinner: 'M8 2a6 6 0 1 0 6 6',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8',
  tokens: 'M2.5 4.5h4v3h-4zM8.5 4.5h5v3h-5zM2.5 9.5h6v3h-6zM10.5 9.5h3v3h-3z',
  trash: 'M3 4.5h10M6.2 4.3V2.5h3.6v1.8M4.2 4.5l.7 9h6.2l.7-9M6.8 7v4M9.2 7v4',
  upload: 'M8 10.4V2.8M4.8 5.8 8 2.6l3.2 3.2M2.8 13.2h10.4',
} as const;

export type IconName = keyof typeof PATHS;

interface Props {
  name: IconName;
  className?: string;
  /** In pixels. */
  size?: number;
}

export function Icon({ name, className = '', size = 16 }: Props) {
  return (
    <svg
      aria-hidden="true"
      className={`shrink-0 ${className}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Spinner({ size = 16 }: { size?: number }) {
  return <Icon name="spinner" size={size} className="animate-spin" />;
}
