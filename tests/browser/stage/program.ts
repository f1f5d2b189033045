// A program of ours as a child: its log is kept, and it never outlives the tests.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const PROJECT = resolve(import.meta.dirname, '../../..');
/** Where `make build` puts the programs. */
const BUILT = resolve(PROJECT, process.env['TOKENMILL_BIN_DIR'] ?? 'target/debug');
/** Nothing waits for work to end, so a stop that takes longer hangs. */
const STOP_WITHIN = 60_000;
const LOG_LINES = 30;

export interface Start {
  program: string;
  args: string[];
  env?: Record<string, string>;
  log: string;
}

export class Program {
  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly log: string,
  ) {}

  static start({ program, args, env = {}, log }: Start): Program {
    const path = join(BUILT, program);
    if (!existsSync(path)) throw new Error(`no program ${path}: run \`make build\``);
    mkdirSync(dirname(log), { recursive: true });
    // A user's own database and messages are none of the tests' business.
    const { DATABASE_URL: _database, NATS_URL: _nats, ...inherited } = process.env;
    // Also when the runner itself is killed, the kernel tells the child.
    const wrapped = existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'INT', path] : [path];
    const [command = path, ...front] = wrapped;
    const child = spawn(command, [...front, ...args], {
      env: { ...inherited, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out = createWriteStream(log, { flags: 'a' });
    child.stdout?.pipe(out, { end: false });
    child.stderr?.pipe(out, { end: false });
    return new Program(program, child, log);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What it says first on its standard output. */
  async firstLine(): Promise<string> {
    const said = new Promise<string>((tell) => {
      let text = '';
      this.child.stdout?.on('data', (piece) => {
        text += String(piece);
        if (text.includes('\n')) tell(text.slice(0, text.indexOf('\n')));
      });
    });
    const ended = once(this.child, 'exit').then(() => {
      throw new Error(`${this.name} ended before it said anything:\n${this.end()}`);
    });
    return Promise.race([said, ended]);
  }

  /** Waits until the page answers 200. */
  async ready(url: string, within = 150_000): Promise<void> {
    const deadline = Date.now() + within;
    while (Date.now() < deadline) {
      if (!this.running) throw new Error(`${this.name} ended before it was ready:\n${this.end()}`);
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
      if (answer?.status === 200) return;
      await new Promise((wake) => setTimeout(wake, 50));
    }
    throw new Error(`${url} was not ready within ${within / 1000} s:\n${this.end()}`);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Asks it to stop, and insists on an end in good order. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    this.child.kill('SIGINT');
    const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_WITHIN);
    await ended;
    clearTimeout(late);
    if (this.child.signalCode === 'SIGKILL') throw new Error(`${this.name} did not stop:\n${this.end()}`);
  }
  /** The end of its log, for a person. */
  end(): string {
    return readFileSync(this.log, 'utf8').split('\n').slice(-LOG_LINES).join('\n');
  }
}
