// What no test may cause unseen: an error in the console, a request to another origin, a violation of the policy.
import type { Page } from '@playwright/test';

export class Watch {
  private readonly found: string[] = [];
  private readonly allowed: RegExp[] = [];
  /** Every address that the page asked for. */
  readonly requests: string[] = [];

  async follow(page: Page, origin: string): Promise<void> {
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(
          `policy: ${event.violatedDirective} refused ${event.blockedURI} at ${event.sourceFile}`,
        );
      });
    });
    page.on('pageerror', (error) => this.found.push(`exception: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      this.found.push(`console: ${message.text()} (${message.location().url})`);
    });
    const inspect = (address: string) => {
      this.requests.push(address);
      const { protocol, host } = new URL(address);
      if (protocol === 'data:' || protocol === 'blob:' || protocol === 'about:') return;
      if (!this.origins(origin).includes(host)) this.found.push(`request to another origin: ${address}`);
    };
    page.on('request', (request) => inspect(request.url()));
    page.on('websocket', (socket) => inspect(socket.url()));
  }

  private readonly others: string[] = [];

  /** Says that the page of this test is served elsewhere. */
  alsoFrom(host: string): void {
    this.others.push(host);
  }

  private origins(origin: string): string[] {
    return [new URL(origin).host, ...this.others];
  }

  /** Chromium itself reports each refused request; a test that provokes refusals names them. */
  expectError(pattern: RegExp): void {
    this.allowed.push(pattern);
  }

  /** What was found and not expected. */
  complaints(): string[] {
    return this.found.filter((line) => !this.allowed.some((pattern) => pattern.test(line)));
  }
}
