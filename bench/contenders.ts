// Who runs: flowmatch on each ISA and thread count, and every peer that is installed. One process for each program, ISA and thread count.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case } from './cases.ts';
import { type Command, Driver } from './driver.ts';
import type { Offer } from './messages.ts';

export const peersFolder = (): string => process.env['FLOWMATCH_PEERS'] ?? join(tmpdir(), 'flowmatch-peers');
const built = (name: string): string => join(import.meta.dirname, `${name}.mjs`);

export interface Source {
  readonly group: string;
  /** The ISA whose peak its fractions refer to. */
  readonly isa: string;
  readonly threads: number;
  readonly command: Command;
}

export interface Contender {
  readonly source: Source;
  readonly variant: string;
  readonly label: string;
  readonly precision: string;
}

interface Wanted {
  readonly root: string;
  readonly isas: readonly string[];
  readonly best: string;
  readonly threads: readonly number[];
  readonly groups: readonly string[];
}

/** Every program that can be started here, and why the others cannot. */
export function sources({ root, isas, best, threads, groups }: Wanted): { found: Source[]; missing: string[] } {
  const addon = join(root, 'build/Release/flowmatch.node');
  const peers = peersFolder();
  const found: Source[] = [];
  const missing: string[] = [];
  const node = (name: string, env: Record<string, string> = {}): Command => ({
    program: process.execPath,
    args: [built(`drivers/${name}`)],
    env: { FLOWMATCH_ADDON: addon, FLOWMATCH_PEERS: peers, ...env },
  });
  const python = join(peers, 'python/bin/python');
  // glibc gives large blocks back to the system at once, and PyTorch then pays page faults in every step: these two settings are its best foot forward.
  const torch = (n: number): Command => ({
    program: python,
    args: [join(root, 'bench/drivers/pytorch.py')],
    env: { OMP_NUM_THREADS: String(n), MALLOC_MMAP_THRESHOLD_: '4294967296', MALLOC_TRIM_THRESHOLD_: '4294967296', TORCHINDUCTOR_COMPILE_THREADS: '1' },
  });
  const has = {
    onnxruntime: canResolve(join(root, 'package.json'), 'onnxruntime-node'),
    tensorflow: canResolve(join(peers, 'node/package.json'), '@tensorflow/tfjs-backend-wasm'),
    pytorch: existsSync(python),
  };
  for (const n of threads) {
    for (const isa of isas) found.push({ group: 'flowmatch', isa, threads: n, command: node('ours', { FLOWMATCH_ISA: isa }) });
    if (has.pytorch) found.push({ group: 'PyTorch', isa: best, threads: n, command: torch(n) });
    if (has.onnxruntime) found.push({ group: 'onnxruntime-node', isa: best, threads: n, command: node('onnxruntime') });
    if (has.tensorflow && n === 1) found.push({ group: 'TensorFlow.js', isa: best, threads: n, command: node('tensorflow') });
  }
  for (const [name, there] of Object.entries(has)) if (!there) missing.push(`${name}: not installed; npm run bench -- --peers installs it into ${peers}`);
  if (groups.length === 0) return { found, missing };
  return { found: found.filter(({ group }) => groups.some((name) => group.toLowerCase().startsWith(name.toLowerCase()))), missing: [] };
}

function canResolve(from: string, name: string): boolean {
  try {
    createRequire(from).resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** Running drivers, started when they are first needed. */
export class Drivers {
  readonly #running = new Map<Source, { driver: Driver; offer: Promise<Offer> }>();

  #start(source: Source): { driver: Driver; offer: Promise<Offer> } {
    const there = this.#running.get(source);
    if (there) return there;
    const driver = new Driver(source.command);
    const fresh = { driver, offer: driver.info() };
    this.#running.set(source, fresh);
    return fresh;
  }

  driver(source: Source): Driver {
    return this.#start(source).driver;
  }
  offer(source: Source): Promise<Offer> {
    return this.#start(source).offer;
  }

  /** The variants of a source for a case. */
  async contenders(source: Source, { kind }: Case): Promise<Contender[]> {
    const { variants } = await this.offer(source);
    const threads = `${source.threads} thread${source.threads > 1 ? 's' : ''}`;
    return (variants[kind] ?? []).map((variant) => {
      const ours = source.group === 'flowmatch';
      const label = `${source.group} ${variant}${ours ? `, ${source.isa}` : ''}, ${threads}`;
      return { source, variant, label, precision: ours ? variant : variant.includes('bf16') ? 'bf16' : 'f32' };
    });
  }

  close(): void {
    for (const { driver } of this.#running.values()) driver.close();
  }
}
