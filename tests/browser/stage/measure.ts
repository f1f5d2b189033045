// What the browser itself says about a page: long tasks, time on the main thread, and when something was on the screen.
import type { Page } from '@playwright/test';

/** Collects long tasks from here on; asks for those so far. */
export async function longTasks(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const seen: number[] = [];
    new PerformanceObserver((list) =>
      seen.push(...list.getEntries().map(({ duration }) => duration)),
    ).observe({
      type: 'longtask',
    });
    Object.assign(window, { longTasksSeen: seen });
  });
  return () => page.evaluate(() => (window as unknown as { longTasksSeen: number[] }).longTasksSeen);
}

/** Seconds of the processor, in all and for scripts. */
export interface MainThread {
  task: number;
  script: number;
}

/** What the page's main thread uses in so many milliseconds, whatever else runs meanwhile. */
export async function mainThread(page: Page, milliseconds: number): Promise<MainThread> {
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: 'threadTicks' });
  const read = async () => {
    const { metrics } = await client.send('Performance.getMetrics');
    return (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  };
  // What opening the page left behind is not what it costs to stay.
  await client.send('HeapProfiler.collectGarbage');
  const before = await read();
  await new Promise((wake) => setTimeout(wake, milliseconds));
  const after = await read();
  await client.detach();
  return {
    task: after('TaskDuration') - before('TaskDuration'),
    script: after('ScriptDuration') - before('ScriptDuration'),
  };
}

/** Notes when the first element of this kind is in the document and painted, from the start of the navigation. */
export async function firstSeen(page: Page, selector: string): Promise<() => Promise<number>> {
  await page.addInitScript((wanted) => {
    const seen = new Promise<number>((tell) => {
      const look = () => {
        if (!document.querySelector(wanted)) return false;
        requestAnimationFrame(() => tell(performance.now()));
        return true;
      };
      const observer = new MutationObserver(() => look() && observer.disconnect());
      observer.observe(document, { childList: true, subtree: true });
    });
    Object.assign(window, { firstSeen: seen });
  }, selector);
  return () => page.evaluate(() => (window as unknown as { firstSeen: Promise<number> }).firstSeen);
}

/** Milliseconds from the last key to a document in which `count` elements match. */
export async function untilCount(
  page: Page,
  selector: string,
  count: number,
): Promise<() => Promise<number>> {
  await page.evaluate(
    ([wanted, number]) => {
      let typed = 0;
      addEventListener('input', () => (typed = performance.now()), { capture: true });
      const seen = new Promise<number>((tell) => {
        const look = () => {
          if (typed === 0 || document.querySelectorAll(wanted).length !== number) return;
          observer.disconnect();
          requestAnimationFrame(() => tell(performance.now() - typed));
        };
        const observer = new MutationObserver(look);
        observer.observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
      });
      Object.assign(window, { countSeen: seen });
    },
    [selector, count] as const,
  );
  return () => page.evaluate(() => (window as unknown as { countSeen: Promise<number> }).countSeen);
}
