// Scales of the charts: values to pixels, and the ticks that a person would have chosen.

export interface Scale {
  (value: number): number;
  ticks: number[];
  domain: [number, number];
}

/** From `domain` to `range`, straight; `count` is about how many ticks there are. */
export function linear(domain: [number, number], range: [number, number], count = 5): Scale {
  const [from, to] = domain;
  const span = to - from || 1;
  const scale = (value: number) => range[0] + ((value - from) / span) * (range[1] - range[0]);
  return Object.assign(scale, { ticks: niceTicks(from, to, count), domain });
}

/** The same by orders of magnitude. What is below 1 is drawn at the lower end, as counts of nothing are. */
export function logarithmic(domain: [number, number], range: [number, number]): Scale {
  const from = Math.max(domain[0], 1);
  const to = Math.max(domain[1], from * 10);
  const span = Math.log10(to) - Math.log10(from);
  const scale = (value: number) => {
    const share = value < from ? 0 : (Math.log10(value) - Math.log10(from)) / span;
    return range[0] + share * (range[1] - range[0]);
  };
  return Object.assign(scale, { ticks: logTicks(from, to), domain: [from, to] as [number, number] });
}

/** Multiples of 1, 2 or 5 times a power of ten between `from` and `to`. */
export function niceTicks(from: number, to: number, count: number): number[] {
  if (!(to > from)) return [from];
  const rough = (to - from) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  // Counted, not added up: sums of 0.1 drift.
  for (let n = Math.ceil(from / step); n * step <= to + step * 1e-9; n++)
    ticks.push(Number((n * step).toPrecision(12)));
  return ticks;
}

/** Powers of ten; every second or third where there are many. */
export function logTicks(from: number, to: number): number[] {
  const first = Math.ceil(Math.log10(from) - 1e-9);
  const last = Math.floor(Math.log10(to) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first) / 6));
  const ticks: number[] = [];
  for (let n = first; n <= last; n += every) ticks.push(10 ** n);
  return ticks;
}
