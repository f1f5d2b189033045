// The words of a live card. Pure, so that each can be tested.
import { formatBytes, formatCount, formatEta, formatPercent, formatSpeed } from '../format';
import { isStalled, type LiveFile, type LiveJob } from '../live/progress';

export type Unit = 'bytes' | 'rows';

/** `3.10 of 7.40 GB`, with the unit once where it is the same. */
export function amountText({ done, total }: Pick<LiveJob, 'done' | 'total'>, unit: Unit): string {
  if (unit === 'rows') {
    return total > 0 ? `${formatCount(done)} of ${formatCount(total)} rows` : `${formatCount(done)} rows`;
  }
  if (total <= 0) return formatBytes(done);
  const [one, all] = [formatBytes(done), formatBytes(total)];
  const [value = '', unitOfOne] = one.split(' ');
  return unitOfOne === all.split(' ')[1] ? `${value} of ${all}` : `${one} of ${all}`;
}

export function speedText(live: Pick<LiveJob, 'rate'>, unit: Unit): string | undefined {
  const speed = live.rate?.perSecond;
  if (speed === undefined || speed <= 0) return undefined;
  return unit === 'bytes' ? formatSpeed(speed) : `${formatCount(speed)} rows/s`;
}

/** `1.2 MB/s · 3 min left` of a file, or that it stands still. */
export function fileText(file: LiveFile, now: number): string | undefined {
  if (isStalled(file, now)) return 'stalled';
  const eta = file.etaSeconds === undefined ? undefined : `${formatEta(file.etaSeconds)} left`;
  const parts = [speedText(file, 'bytes'), eta].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' · ');
}

export function percentText(live: LiveJob): string | undefined {
  return live.percent === undefined ? undefined : formatPercent(live.percent / 100, 0);
}

/** All of it in a sentence, for those who hear the bar. */
export function valueText(live: LiveJob, phase: string, unit: Unit): string {
  const speed = speedText(live, unit);
  const eta = live.etaSeconds === undefined ? undefined : `${formatEta(live.etaSeconds)} left`;
  return [phase, percentText(live), amountText(live, unit), speed, eta]
    .filter((part) => part !== undefined)
    .join(', ');
}
