// Numbers, sizes and times as people read them. Pure: what time it is comes in as an argument.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

export type Missing = null | undefined;

/** What stands where a number is not known. */
export const UNKNOWN = '–';

function significant(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

/** `1.23 GB`: decimal units, as the Hub and the disks' makers use them. */
export function formatBytes(bytes: number | Missing): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return UNKNOWN;
  let unit = 0;
  let value = Math.abs(bytes);
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const sign = bytes < 0 ? '-' : '';
  return `${sign}${unit === 0 ? value.toFixed(0) : significant(value)} ${UNITS[unit] ?? 'B'}`;
}

/** `12.3 MB/s`. */
export function formatSpeed(bytesPerSecond: number | Missing): string {
  return bytesPerSecond === null || bytesPerSecond === undefined
    ? UNKNOWN
    : `${formatBytes(bytesPerSecond)}/s`;
}

/** `1,234,567`. */
export function formatCount(count: number | Missing): string {
  return count === null || count === undefined || !Number.isFinite(count) ? UNKNOWN : whole.format(count);
}

/** `1.23M`, where there is little room. */
export function formatShort(count: number | Missing): string {
  return count === null || count === undefined || !Number.isFinite(count) ? UNKNOWN : short.format(count);
}

/** `1 row`, `2 rows`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Of a fraction from 0 to 1: `12.3 %`; never `100 %` before it is all. */
export function formatPercent(fraction: number | Missing, digits = 1): string {
  if (fraction === null || fraction === undefined || !Number.isFinite(fraction)) return UNKNOWN;
  const scale = 10 ** digits;
  const rounded = fraction < 1 ? Math.floor(fraction * 100 * scale) / scale : fraction * 100;
  return `${rounded.toFixed(digits)} %`;
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `1 h 02 min`, `2 d 3 h`. */
export function formatDuration(seconds: number | Missing): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 0.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const total = Math.round(seconds);
  const [s, m, h, d] = [
    total % 60,
    Math.floor(total / 60) % 60,
    Math.floor(total / 3600) % 24,
    Math.floor(total / 86_400),
  ];
  if (d > 0) return `${d} d ${h} h`;
  if (h > 0) return `${h} h ${String(m).padStart(2, '0')} min`;
  if (m > 0) return `${m} min ${String(s).padStart(2, '0')} s`;
  return `${s} s`;
}

/** An estimate does not pretend to know seconds of hours: `about 2 min`. */
export function formatEta(seconds: number | Missing): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 10) return 'a few seconds';
  if (seconds < 55) return `${Math.ceil(seconds / 5) * 5} s`;
  if (seconds < 3570) return `${Math.max(1, Math.round(seconds / 60))} min`;
  return formatDuration(Math.round(seconds / 60) * 60);
}

export function secondsBetween(from: string, to: string | number): number {
  return ((typeof to === 'number' ? to : Date.parse(to)) - Date.parse(from)) / 1000;
}

/** `just now`, `5 min ago`, `3 h ago`, `2 d ago`, then the date. */
export function formatAgo(at: string | Missing, now: number): string {
  if (at === null || at === undefined) return UNKNOWN;
  const seconds = secondsBetween(at, now);
  if (seconds < 45) return 'just now';
  if (seconds < 3570) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_000) return `${Math.round(seconds / 3600)} h ago`;
  if (seconds < 7 * 86_400) return `${Math.round(seconds / 86_400)} d ago`;
  return formatDate(at);
}

/** `26 Nov 2026`. */
export function formatDate(at: string): string {
  return new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `26 Nov 2026, 08:11:09`. */
export function formatTime(at: string | Missing): string {
  return at === null || at === undefined ? UNKNOWN : `${formatDate(at)}, ${formatClock(Date.parse(at))}`;
}

/** `08:11:09`. */
export function formatClock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** The first seven digits of a commit, as git and the Hub show it. */
export function shortCommit(commit: string | Missing): string {
  return commit === null || commit === undefined ? UNKNOWN : commit.slice(0, 7);
}
