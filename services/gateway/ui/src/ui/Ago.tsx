// How long ago something was; its title says exactly when.
import { formatAgo, formatTime } from '../format';
import { useSlowNow } from '../live/useNow';

export function Ago({ at, className }: { at: string; className?: string }) {
  const now = useSlowNow();
  return (
    <time dateTime={at} title={formatTime(at)} className={className}>
      {formatAgo(at, now)}
    </time>
  );
}
