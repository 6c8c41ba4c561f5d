// The native networks of a record, each packed once, when it is first needed: that of velocities, those of velocity and score together, those with tangents.

import { FlowError } from '../errors.ts';
import type { NativeNetwork } from '../native/binding.ts';
import { buildNetwork } from '../native/build.ts';
import { native } from '../native/load.ts';
import { encodeProgram } from '../network/encode.ts';
import { withHead } from '../network/heads.ts';
import { lower } from '../network/lower.ts';
import { densityProgram } from '../sampling/density.ts';
import { KeptSolves } from '../sampling/kept.ts';
import type { ModelRecord } from './record.ts';

/** Models of no more parameters are packed where they are first sampled: a millisecond. */
const packedAtOnce = 1 << 18;
/** Networks of velocity and score that are kept: a third strength of noise, with two networks kept, made a sample of one row three times slower. */
const kept = { most: 4, ofMany: 2 } as const; // ofMany: of more parameters than packedAtOnce

export class Networks {
  readonly #record: ModelRecord;
  #network: NativeNetwork | null = null;
  /** Networks of velocity and score together, by the share of the score, the one not asked for the longest first. */
  readonly #stirred = new Map<number, NativeNetwork>();
  /** With tangents: 0 for the exact divergence, else for so many estimates at a time. The last two are kept. */
  readonly #traced = new Map<number, Promise<NativeNetwork>>();
  #opening: Promise<NativeNetwork> | null = null;
  /** Solves on these networks. */
  readonly kept = new KeptSolves();
  #disposed = false;

  constructor(record: ModelRecord) {
    this.#record = record;
  }

  /** How many are packed. */
  get count(): number {
    return (this.#network === null ? 0 : 1) + this.#stirred.size + this.#traced.size;
  }

  /** The packed network, or a promise of it: packing many parameters is a job. */
  ready(head = 0): NativeNetwork | Promise<NativeNetwork> {
    if (head !== 0) return this.open(head);
    if (this.#network !== null || this.#record.parameters.length <= packedAtOnce) return this.open();
    if (this.#opening === null) {
      this.#opening = this.#build();
      this.#opening.catch(() => undefined); // seen where it is awaited
    }
    return this.#opening;
  }

  async #build(): Promise<NativeNetwork> {
    try {
      const { words, constants } = this.#program();
      const network = await buildNetwork(native(), words, constants, withHead(this.#record, 0).parameters);
      if (this.#disposed || this.#network !== null) network.dispose(); // too late, or sampleSync() was quicker
      this.alive();
      this.#network ??= network;
      return this.#network;
    } finally {
      this.#opening = null;
    }
  }

  #program(): { words: Int32Array; constants: Float32Array } {
    return encodeProgram(lower(this.#record.network, this.#record.dimension, this.#record.condition));
  }

  /** `head`: how much of the score joins the velocity (network/heads.ts). */
  open(head = 0): NativeNetwork {
    if (head !== 0) {
      const known = this.#stirred.get(head);
      this.#stirred.delete(head);
      const network = known ?? this.#pack(head);
      const [oldest] = this.#stirred.keys();
      const most = this.#record.parameters.length <= packedAtOnce ? kept.most : kept.ofMany;
      if (this.#stirred.size >= most && oldest !== undefined) this.#stirred.delete(oldest); // its jobs hold it; then it is collected
      this.#stirred.set(head, network);
      return network;
    }
    this.#network ??= this.#pack(0);
    return this.#network;
  }

  #pack(head: number): NativeNetwork {
    const { words, constants } = this.#program();
    return new (native().Network)(words, constants, withHead(this.#record, head).parameters);
  }

  openTraced(copies: number): Promise<NativeNetwork> {
    const known = this.#traced.get(copies);
    if (known !== undefined) return known;
    const { network, dimension, condition, parameters } = withHead(this.#record, 0);
    const { words, constants } = encodeProgram(densityProgram(lower(network, dimension, condition), copies));
    const made = buildNetwork(native(), words, constants, parameters);
    const forget = (): void => {
      if (this.#traced.get(copies) === made) this.#traced.delete(copies);
    };
    made.catch(forget);
    const [oldest] = this.#traced.keys();
    if (this.#traced.size >= 2 && oldest !== undefined) this.#traced.delete(oldest); // its jobs hold it; then it is collected
    this.#traced.set(copies, made);
    return made;
  }

  dispose(): void {
    this.#disposed = true;
    this.kept.dispose();
    this.#network?.dispose();
    this.#network = null;
    for (const network of this.#stirred.values()) network.dispose();
    this.#stirred.clear();
    for (const network of this.#traced.values()) {
      network.then(
        (made) => made.dispose(),
        () => undefined,
      );
    }
    this.#traced.clear();
  }

  /** @throws FlowError ERR_FLOW_DISPOSED */
  alive(): void {
    if (this.#disposed) throw new FlowError('ERR_FLOW_DISPOSED', 'model: it was disposed.', { path: 'model', hint: 'Load it again.' });
  }
}
