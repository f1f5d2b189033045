// The Hub with a will of its own: `stage` (libs/test-kit) over a folder, its faults ordered over HTTP.
import { Program } from './program';

export type Fault =
  | 'ignore_range'
  | { damage: { how: 'flip' | 'zero' | 'insert' | 'lose' | 'end'; at: number } }
  | { drop_after: number }
  | { stall_after: number }
  | { answer: { status: number; headers: [string, string][]; body: string } };

/** One request, and what became of it. */
export interface Logged {
  method: string;
  path: string;
  range: string | null;
  authorized: boolean;
  status: number;
  bytes_sent: number;
}

export class Hub {
  private constructor(
    readonly program: Program,
    readonly endpoint: string,
    private readonly control: string,
  ) {}

  static async start(folder: string, log: string): Promise<Hub> {
    const program = Program.start({ program: 'stage', args: [folder], log });
    const { hub, control } = JSON.parse(await program.firstLine()) as { hub: string; control: string };
    return new Hub(program, hub, control);
  }

  /** Requests whose path contains `path` meet the fault: so many of them, or all until {@link clear}. */
  async fail(path: string, fault: Fault, times: number | null = null): Promise<void> {
    await this.ask('POST', '/orders', { fault, path, times });
  }

  /** Takes back all orders and the throttle, and lets stalled bodies go on. */
  async clear(): Promise<void> {
    await this.ask('DELETE', '/orders');
    await this.ask('POST', '/release');
  }

  /** Limits each body to so many bytes a second, also ones under way. */
  async throttle(bytes_per_second: number | null): Promise<void> {
    await this.ask('PUT', '/throttle', { bytes_per_second });
  }

  /** Makes a repository refuse everybody but the holder of `granted`. */
  async gate(repo: string, granted: string): Promise<void> {
    await this.ask('PUT', '/gate', { repo, granted });
  }

  /** All requests from the given one on. */
  async requests(since = 0): Promise<Logged[]> {
    return (await this.ask('GET', `/requests?since=${since}`)).json() as Promise<Logged[]>;
  }

  /** Bytes of files that it has sent since the given request. */
  async bytesSent(since = 0): Promise<number> {
    const files = (await this.requests(since)).filter(({ path }) => path.startsWith('/lfs/'));
    return files.reduce((sum, { bytes_sent }) => sum + bytes_sent, 0);
  }

  /** A Postgres database and a NATS outside of any data directory. */
  async servers(): Promise<{ database: string; nats: string }> {
    return (await this.ask('POST', '/servers')).json() as Promise<{ database: string; nats: string }>;
  }

  private async ask(method: string, path: string, body?: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(this.control + path, {
      method,
      ...(body && { headers, body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`stage ${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
