// `tokenmill up` with private servers on private ports, and more gateways before the same catalog.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Hub } from './hub';
import { freeAddresses } from './ports';
import { Program } from './program';

const SERVICES = ['gateway', 'flight', 'catalog', 'ingestion', 'tokenization'] as const;
type Service = (typeof SERVICES)[number];
export type Settings = Record<string, string>;

/** Short times, and the slow engine on one thread, so that jobs have a middle in which a test can act. */
const USUAL: Settings = {
  TOKENMILL_JOBS__RECONCILE_SECONDS: '0.5',
  TOKENMILL_JOBS__RETRY_SECONDS: '0.5',
  TOKENMILL_STORAGE__DELETE_GRACE_SECONDS: '0',
  TOKENMILL_LIMITS__FREE_SPACE_BYTES: '0',
  TOKENMILL_TOKENIZE__ENGINE: 'reference',
  TOKENMILL_TOKENIZE__THREADS: '1',
  RUST_LOG: 'info',
};

export class Platform {
  private constructor(
    readonly up: Program,
    readonly addresses: Record<Service, string>,
    private readonly logs: string,
  ) {}

  static async start(hub: Hub, dataDir: string, logs: string, settings: Settings = {}): Promise<Platform> {
    const free = await freeAddresses(SERVICES.length);
    const addresses = Object.fromEntries(SERVICES.map((name, n) => [name, free[n]])) as Record<
      Service,
      string
    >;
    mkdirSync(dataDir, { recursive: true });
    const args = ['up', '--data-dir', dataDir, '--internal-port', '0'];
    for (const name of SERVICES) args.push(`--${name}`, addresses[name]);
    // A file in the user's own Hub cache would be copied instead of fetched.
    const own = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(dataDir, 'hf'), HF_TOKEN: '' };
    const env = { ...USUAL, ...own, ...settings };
    const up = Program.start({ program: 'tokenmill', args, env, log: join(logs, 'tokenmill.log') });
    const platform = new Platform(up, addresses, logs);
    await up.ready(`${platform.url}/readyz`).catch(async (error: unknown) => {
      await up.stop().catch(() => up.kill());
      throw error;
    });
    return platform;
  }

  /** Where the pages are. */
  get url(): string {
    return `http://${this.addresses.gateway}`;
  }

  /** A gateway as a process of its own; the same address again takes the place of one that was killed. */
  async gateway(listen: string): Promise<Program> {
    const env: Settings = { TOKENMILL_GATEWAY__LISTEN: listen, TOKENMILL_GATEWAY__INTERNAL: '127.0.0.1:0' };
    for (const name of ['catalog', 'ingestion', 'flight', 'tokenization'] as const) {
      env[`TOKENMILL_${name.toUpperCase()}__URL`] = `http://${this.addresses[name]}`;
    }
    const program = Program.start({
      program: 'gateway',
      args: ['serve'],
      env,
      log: join(this.logs, 'gateway.log'),
    });
    await program.ready(`http://${listen}/readyz`);
    return program;
  }
}
