// Says whether what is on the screen is how things are: live, reconnecting, or stale since when.
import { useEffect, useState } from 'react';
import { formatClock } from '../format';
import { useConnection } from '../live/page';
import { cx } from '../ui/cx';
import { Icon, Spinner } from '../ui/Icon';

/** A short break is no news. */
const STALE_AFTER_MS = 5000;

export function ConnectionBanner() {
  const connection = useConnection();
  const since = connection.phase === 'lost' ? connection.since : undefined;
  const stale = useOlderThan(since, STALE_AFTER_MS);
  const shown =
    since === undefined ? (connection.phase === 'live' ? 'live' : 'connecting') : stale ? 'stale' : 'lost';
  return (
    <p
      role="status"
      data-connection={shown}
      className={cx(
        'inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap tabular-nums',
        shown === 'live' && 'text-muted',
        shown === 'connecting' && 'text-muted',
        shown === 'lost' && 'bg-warn-soft text-warn',
        shown === 'stale' && 'bg-bad-soft text-bad',
      )}
    >
      {shown === 'live' && <span aria-hidden="true" className="size-1.5 rounded-full bg-good" />}
      {shown === 'stale' && <Icon name="alert" size={13} />}
      {(shown === 'lost' || shown === 'connecting') && <Spinner size={12} />}
      {shown === 'live' && 'Live'}
      {shown === 'connecting' && 'Connecting'}
      {shown === 'lost' && 'Reconnecting'}
      {shown === 'stale' && `Stale since ${formatClock(since ?? 0)}`}
    </p>
  );
}

/** Whether so much time has gone by since then; becomes true by itself. */
function useOlderThan(since: number | undefined, ms: number): boolean {
  const [old, setOld] = useState<number>();
  useEffect(() => {
    if (since === undefined) return undefined;
    const timer = setTimeout(() => setOld(since), Math.max(0, since + ms - Date.now()));
    return () => clearTimeout(timer);
  }, [since, ms]);
  return since !== undefined && old === since;
}
