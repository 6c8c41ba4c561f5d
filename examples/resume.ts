// Stop and go on: a run that is interrupted and resumed ends with the same bytes as one that never stopped.
import { mlp, synthetic, type TrainOptions, train } from 'flowmatch';

const { x: data } = synthetic('checkerboard', { n: 4000, seed: 1 });
const options: TrainOptions = { data, columns: 2, network: mlp({ hidden: [64, 64] }), steps: 1500, seed: 5 };

const whole = await train(options);

// Aborting saves the checkpoint first; a crash would lose at most what came after the last one.
const checkpoint = { file: 'run.safetensors', everySteps: 200 };
const stop = new AbortController();
const reason = new Error('the machine is needed elsewhere');
const interrupted = train({ ...options, checkpoint, signal: stop.signal, onProgress: ({ step }) => step >= 400 && stop.abort(reason) });
await interrupted.then(
  () => Promise.reject(new Error('the run was not interrupted')),
  (error: unknown) => {
    if (error !== reason) throw error;
  },
);

// The same call again goes on where it was.
let from = 0;
const resumed = await train({
  ...options,
  checkpoint,
  onResume: ({ step, hash }) => {
    from = step;
    console.log(`resumed at step ${step} (checkpoint ${hash.slice(0, 8)})`);
  },
});
const [a, b] = [whole.record.parameters, resumed.record.parameters];
if (from < 400 || from >= 1500) throw new Error(`resumed at step ${from}`);
if (!a.every((value, i) => value === b[i])) throw new Error('the resumed run ended elsewhere');
console.log(`${a.length} parameters, all equal to the last bit`);
