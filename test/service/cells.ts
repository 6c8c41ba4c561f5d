// The state matrix: every public member of every public class, what it needs to be called rightly, and what it answers in each state. Nothing here
// checks anything: the test compares these lists with the real prototypes and runs the cells, here, in a Worker and inside process.on('exit').

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosine, Dataset, exportOnnx, loadOnnx, Model, OnnxSampler, Trainer } from '../../lib/index.ts';
import { untrained } from '../support/models.ts';

export const states = ['idle', 'training', 'sampling', 'saving', 'disposed', 'reentered'] as const;
export type State = (typeof states)[number];
/** Answers: 'ok', the code of a FlowError, `pending` (inside exit: a promise that nobody will see settle), or what else was thrown. */
export type Outcome = string;

const STATE = 'ERR_FLOW_STATE';
const DISPOSED = 'ERR_FLOW_DISPOSED';

interface Member {
  // biome-ignore lint/suspicious/noExplicitAny: members of four classes in one table
  readonly call: (self: any, files: Files) => unknown;
  /** Where the answer is not 'ok'. */
  readonly answers: Partial<Record<State, Outcome>>;
}
const gone = { disposed: DISPOSED };
const always = {};
/** What needs the trainer to itself. */
const alone = { ...gone, training: STATE, reentered: STATE };

export const classes = { Dataset, Model, OnnxSampler, Trainer } as const;
export type ClassName = keyof typeof classes;

export const members: Record<ClassName, Record<string, Member>> = {
  Dataset: {
    append: { call: (data: Dataset) => data.append([[1, 2]]), answers: { ...gone, saving: STATE } }, // saving: its hash is being taken
    rows: { call: (data: Dataset) => data.rows, answers: gone },
    dimension: { call: (data: Dataset) => data.dimension, answers: always },
    columns: { call: (data: Dataset) => data.columns, answers: always },
    hash: { call: (data: Dataset) => data.hash(), answers: gone },
    dispose: { call: (data: Dataset) => data.dispose(), answers: always },
    '[Symbol.dispose]': { call: (data: Dataset) => data[Symbol.dispose](), answers: always },
  },
  Model: {
    'static load': { call: (_, files) => Model.load(files.model), answers: always },
    'static fromRecord': { call: () => Model.fromRecord(untrained(2)), answers: always },
    save: { call: (model: Model, files) => model.save(files.fresh()), answers: gone },
    sample: { call: (model: Model) => model.sample({ n: 5, solver: 'euler' }), answers: gone },
    sampleSync: { call: (model: Model) => model.sampleSync({ n: 5, solver: 'euler' }), answers: gone },
    sampleBatches: { call: (model: Model) => model.sampleBatches({ n: 5, batchRows: 3, solver: 'euler' }).next(), answers: gone },
    encode: { call: (model: Model) => model.encode([[1, 2]]), answers: gone },
    logDensity: { call: (model: Model) => model.logDensity([[1, 2]], { solver: 'euler' }), answers: gone },
    score: { call: (model: Model) => model.score([[1, 2]], { t: 0.5 }), answers: gone },
    withPath: { call: (model: Model) => model.withPath(cosine()), answers: gone },
    info: { call: (model: Model) => model.info(), answers: gone },
    dispose: { call: (model: Model) => model.dispose(), answers: always },
    '[Symbol.dispose]': { call: (model: Model) => model[Symbol.dispose](), answers: always },
  },
  OnnxSampler: {
    sample: { call: (onnx: OnnxSampler) => onnx.sample({ n: 5, solver: 'euler' }), answers: gone },
    // The file at hand is a velocity graph: it says so in every state.
    logDensity: {
      call: (onnx: OnnxSampler) => {
        try {
          return onnx.logDensity([[1, 2]]);
        } catch (error) {
          if ((error as { code?: string }).code !== 'ERR_FLOW_CONFIG') throw error;
        }
      },
      answers: always,
    },
    velocity: { call: (onnx: OnnxSampler) => onnx.velocity(new Float32Array(4), 0.5), answers: gone },
    dispose: { call: (onnx: OnnxSampler) => onnx.dispose(), answers: always },
    '[Symbol.dispose]': { call: (onnx: OnnxSampler) => onnx[Symbol.dispose](), answers: always },
  },
  Trainer: {
    'static resume': { call: (_, files) => Trainer.resume(files.checkpoint, { data: rows }), answers: always },
    step: { call: (trainer: Trainer) => trainer.step, answers: always },
    steps: { call: (trainer: Trainer) => trainer.steps, answers: always },
    state: { call: (trainer: Trainer) => trainer.state, answers: always },
    resumed: { call: (trainer: Trainer) => trainer.resumed, answers: always },
    run: { call: (trainer: Trainer) => trainer.run(), answers: alone },
    '[Symbol.asyncIterator]': { call: (trainer: Trainer) => trainer[Symbol.asyncIterator]().next(), answers: alone },
    model: { call: (trainer: Trainer) => trainer.model(), answers: alone },
    save: { call: (trainer: Trainer, files) => trainer.save(files.fresh()), answers: gone },
    pause: { call: (trainer: Trainer) => trainer.pause(), answers: gone },
    proceed: { call: (trainer: Trainer) => trainer.proceed(), answers: gone },
    stop: { call: (trainer: Trainer) => trainer.stop(), answers: gone },
    dispose: { call: (trainer: Trainer) => trainer.dispose(), answers: always },
    '[Symbol.dispose]': { call: (trainer: Trainer) => trainer[Symbol.dispose](), answers: always },
    '[Symbol.asyncDispose]': { call: (trainer: Trainer) => trainer[Symbol.asyncDispose](), answers: always },
  },
};

/** Names of the members of a class as the matrix writes them, from the class itself. */
export function found(type: (typeof classes)[ClassName]): string[] {
  const name = (key: string | symbol): string => (typeof key === 'symbol' ? `[${key.description?.replace('nodejs.', 'Symbol.')}]` : key);
  const statics = Reflect.ownKeys(type).filter((key) => !['length', 'name', 'prototype'].includes(key as string));
  const instance = Reflect.ownKeys(type.prototype).filter((key) => key !== 'constructor');
  return [...statics.map((key) => `static ${name(key)}`), ...instance.map(name)];
}

export interface Files {
  readonly model: string;
  readonly checkpoint: string;
  readonly onnx: string;
  fresh(ending?: string): string;
  remove(): void;
}

const rows = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(i)]);
const network = untrained(2, { hidden: [8] }).network;
const quick = { data: rows, network, batchSize: 16, validation: 0, ema: 0 } as const;
const endless = 2 ** 40;

/** A model file, a checkpoint and a velocity graph in a folder of their own. */
export async function files(): Promise<Files> {
  const folder = mkdtempSync(join(tmpdir(), 'flowmatch-cells-'));
  const [model, checkpoint, onnx] = ['m.safetensors', 'c.safetensors', 'v.onnx'].map((name) => join(folder, name)) as [string, string, string];
  const small = Model.fromRecord(untrained(2));
  await small.save(model);
  await exportOnnx(small, onnx, { graph: 'velocity' });
  const trainer = new Trainer({ ...quick, steps: 3 });
  await trainer.run();
  await trainer.save(checkpoint);
  trainer.dispose();
  let count = 0;
  return {
    model,
    checkpoint,
    onnx,
    fresh: (ending = '.safetensors') => join(folder, `${count++}${ending}`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** One object of each class, idle. */
export async function idle(name: ClassName, files: Files, steps = 40): Promise<Dataset | Model | OnnxSampler | Trainer> {
  if (name === 'Dataset') return new Dataset({ columns: 2 }).append(rows);
  if (name === 'Model') return Model.fromRecord(untrained(2));
  if (name === 'OnnxSampler') return loadOnnx(files.onnx, { threads: 1 });
  const trainer = new Trainer({ ...quick, steps });
  for await (const { step } of trainer) if (step > 0) break;
  return trainer;
}

/** What a call answers; `late` collects promises instead of awaiting them. */
export function answer(work: () => unknown): Outcome | Promise<Outcome> {
  const code = (error: unknown): Outcome => {
    const { name, code } = error as { name?: string; code?: string };
    return name === 'FlowError' && code ? code : `not a FlowError: ${String(error)}`;
  };
  try {
    const value = work();
    if (value instanceof Promise) return value.then(() => 'ok', code);
    return 'ok';
  } catch (error) {
    return code(error);
  }
}

/** Training that goes on until it is ended, on `trainer` or on one of its own. */
function training(trainer = new Trainer({ ...quick, steps: endless }), onEnd: () => void = () => undefined) {
  const run = trainer.run().then(
    () => undefined,
    () => undefined,
  );
  return {
    async under(): Promise<void> {
      while (trainer.step === 0) await new Promise((resolve) => setImmediate(resolve));
    },
    async end(): Promise<void> {
      trainer.dispose();
      await run;
      onEnd();
    },
  };
}

/** Runs one cell of the matrix. */
export async function cell(name: ClassName, member: string, state: State, files: Files): Promise<Outcome> {
  const { call } = members[name][member] as Member;
  const ends: (() => unknown)[] = [];
  const quiet = (promise: Promise<unknown>): void => {
    ends.push(() => promise.catch(() => undefined));
  };
  try {
    if (state === 'reentered') return await reentered(name, call, files, ends);
    const self = state === 'training' && name === 'Trainer' ? new Trainer({ ...quick, steps: endless }) : await idle(name, files);
    ends.push(() => self.dispose());
    if (state === 'training') {
      const own =
        self instanceof Trainer ? training(self) : training(self instanceof Dataset ? new Trainer({ ...quick, data: self, steps: endless }) : undefined);
      ends.push(() => own.end());
      await own.under();
    } else if (state === 'sampling') {
      const abort = new AbortController();
      const sampler = self instanceof Model || self instanceof OnnxSampler ? self : Model.fromRecord(untrained(2));
      quiet(sampler.sample({ n: 200_000, signal: abort.signal }));
      ends.push(() => abort.abort());
    } else if (state === 'saving') {
      if (self instanceof Model || self instanceof Trainer) quiet(self.save(files.fresh()));
      else if (self instanceof Dataset) quiet(self.hash());
      else quiet(exportOnnx(Model.fromRecord(untrained(2)), files.fresh('.onnx'), { graph: 'velocity' }));
    } else if (state === 'disposed') self.dispose();
    return await answer(() => call(self, files));
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The call is made inside onProgress of a training, for Trainer of its own. */
async function reentered(name: ClassName, call: Member['call'], files: Files, ends: (() => unknown)[]): Promise<Outcome> {
  const other = name === 'Trainer' ? null : await idle(name, files);
  let settle: (outcome: Outcome | Promise<Outcome>) => void = () => undefined;
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  const trainer: Trainer = new Trainer({ ...quick, steps: endless, onProgress: () => settle(answer(() => call(other ?? trainer, files))) });
  const own = training(trainer, () => other?.dispose());
  ends.push(() => own.end());
  return outcome;
}
