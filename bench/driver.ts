// A driver's process as the bench holds it: asked one thing at a time, started on first use, ended with the bench.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Answer, Ask, Offer } from './messages.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export class Driver {
  readonly #child: ChildProcess;
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;
  #said = '';
  #ended: Error | null = null;

  constructor({ program, args, env }: Command) {
    this.#child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (part: Buffer) => {
      this.#said = (this.#said + part.toString()).slice(-2000);
    });
    this.#child.on('error', (error) => this.#end(error));
    this.#child.on('close', (code, signal) =>
      this.#end(new Error(`the driver ended (${signal ?? code}): ${this.#said.trim().split('\n').slice(-3).join(' / ')}`)),
    );
    this.#child.stdin?.on('error', () => undefined); // told by 'close'
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (!line.startsWith('\u0001')) return;
      const { resolve } = this.#waiting ?? { resolve: () => undefined };
      this.#waiting = null;
      resolve(JSON.parse(line.slice(1)) as Answer);
    });
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = null;
  }

  /** @throws Error with what the driver says went wrong, or that it has ended. */
  async ask(ask: Ask): Promise<Answer> {
    if (this.#ended !== null) throw this.#ended;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.stdin?.write(`${JSON.stringify(ask)}\n`);
    });
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  async info(): Promise<Offer> {
    return (await this.ask({ do: 'info' })) as Offer;
  }
  async measure(key: string): Promise<number> {
    return ((await this.ask({ do: 'measure', key })) as { seconds: number }).seconds;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
