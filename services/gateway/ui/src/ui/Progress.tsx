// A progress bar; without a known end it moves without saying how far.
import { cx } from './cx';

interface Props {
  /** What progresses: "Download of NAME". */
  label: string;
  /** 0 to 100; absent while the end is not known. */
  percent?: number | null;
  /** What is said in words: "42 %, 3.1 of 7.4 GB". */
  text: string;
  tone?: 'accent' | 'warn' | 'bad' | 'good';
}

const TONES = { accent: 'bg-accent', warn: 'bg-warn', bad: 'bg-bad', good: 'bg-good' };

export function Progress({ label, percent, text, tone = 'accent' }: Props) {
  const known = percent !== undefined && percent !== null;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? Math.floor(percent) : undefined}
      aria-valuetext={text}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line contain-strict"
    >
      <div
        className={cx(
          'h-full rounded-full',
          TONES[tone],
          known ? 'w-full origin-left' : 'w-1/3 motion-safe:animate-slide',
        )}
        // Scaled and not widened: nothing has to be laid out again.
        style={known ? { transform: `scaleX(${Math.max(0.004, Math.min(1, percent / 100))})` } : undefined}
      />
    </div>
  );
}
