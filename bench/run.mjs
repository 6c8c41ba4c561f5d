// npm run bench [-- --rounds 5 --threads 1 --isa avx512 --only train,sample,kernels --seconds 0.15 --check]
// One interleaved run: every round measures the fma peak right before each case, so that a neighbour who slows the machine slows both. Prints a Markdown table of
// medians with minimum and maximum; --json adds one line per measurement. --check exits 1 when a median is below 0.8 of the floor in bench/cases.mjs.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { cases, share, title, weights } from './cases.mjs';
import { library, network, samplerOf, trainerOf } from './ours.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1' },
    isa: { type: 'string' },
    only: { type: 'string', default: 'train,sample' },
    shape: { type: 'string' },
    seconds: { type: 'string', default: '0.15' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});
if (values.isa) process.env.FLOWMATCH_ISA = values.isa;
const rounds = Number(values.rounds);
const threads = Number(values.threads);
const seconds = Number(values.seconds);
const only = values.only.split(',');

const require = createRequire(import.meta.url);
const release = new URL('../build/Release/', import.meta.url).pathname;
const binding = require(`${release}flowmatch.node`);
const table = require(`${release}flowmatch_test.node`);
const { isa } = binding.info();
const peak = () => table.peak(isa, 15);
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Each case: prepare once, then `measure()` gives GFLOP/s (or 1e9 elements per second where unit says so). */
const list = [];
const toolbox = await library();
// One thread is timed by the processor time of the process, which other processes on the same core do not lengthen; several by the clock.
const clock = () => {
  if (threads > 1) return Number(process.hrtime.bigint()) * 1e-9;
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e-6;
};
const timed = async (work, units) => {
  const start = clock();
  await work();
  return (units / (clock() - start)) * 1e-9;
};
/** How many repetitions fill the time: found by a first, unmeasured run. */
async function repetitions(work, most) {
  let k = 1;
  for (;;) {
    const start = clock();
    await work(k);
    const took = clock() - start;
    if (took >= seconds / 4 || k >= most) return Math.min(most, Math.max(1, Math.round((k * seconds) / took)));
    k *= 4;
  }
}

const wanted = values.shape ? cases.filter((c) => title(c).includes(values.shape)) : cases;
for (const shape of wanted) {
  const net = network(toolbox, shape);
  const P = weights(shape);
  if (only.includes('train')) {
    const trainer = trainerOf(binding, net, shape, threads);
    const k = await repetitions((n) => trainer.step(n), 4096);
    list.push({
      name: `train ${title(shape)} B = ${shape.B}`,
      floor: shape.train,
      flop: 6 * shape.B * P,
      measure: () => timed(() => trainer.step(k), k * 6 * shape.B * P),
    });
  }
  if (only.includes('sample') && shape.sample !== null) {
    const sampler = samplerOf(binding, net, shape.N, threads);
    const k = await repetitions((n) => sampler.sample(n), 100);
    list.push({
      name: `sample ${title(shape)} N = ${shape.N}, 100 Euler steps`,
      floor: shape.sample,
      flop: 100 * 2 * shape.N * P,
      measure: () => timed(() => sampler.sample(k), k * 2 * shape.N * P),
    });
  }
}
if (only.includes('kernels')) {
  for (const H of [64, 256, 512, 1024]) {
    for (const kernel of ['dense', 'dense_silu', 'dense_silu_slope', 'weight_grad']) {
      list.push({
        name: `${kernel} 96 x ${H} x ${H}`,
        floor: null,
        flop: 2 * 96 * H * H,
        measure: async () => table.speed(isa, kernel, 96, H, H, 1000 * seconds),
      });
    }
  }
}

for (const c of list) c.results = [];
for (let round = 0; round < rounds; round++) {
  for (const c of list) {
    const before = peak();
    const rate = await c.measure();
    const top = Math.max(before, peak()) * threads;
    c.results.push({ rate, peak: top, fraction: rate / top });
    if (values.json) console.log(JSON.stringify({ case: c.name, isa, threads, round, gflops: rate, peak: top, fraction: rate / top }));
  }
}

const percent = (x) => `${(100 * x).toFixed(0)} %`;
console.log(
  `\n${isa}, ${threads} thread${threads > 1 ? 's' : ''}, ${rounds} rounds; % of the f32 fma peak of ${threads} core${threads > 1 ? 's' : ''} measured beside each case\n`,
);
console.log('| case | median | min .. max | GFLOP/s | ms | peak | wanted |\n|---|---|---|---|---|---|---|');
let below = 0;
for (const c of list) {
  const fractions = c.results.map((r) => r.fraction);
  const middle = median(fractions);
  const rate = median(c.results.map((r) => r.rate));
  const goal = c.floor === null ? null : c.floor * share;
  if (goal !== null && middle < goal) below++;
  const verdict = goal === null ? '' : `${percent(goal)}${middle < goal ? ' **below**' : ''}`;
  const range = `${percent(Math.min(...fractions))} .. ${percent(Math.max(...fractions))}`;
  console.log(
    `| ${c.name} | ${percent(middle)} | ${range} | ${rate.toFixed(1)} | ${((c.flop / rate) * 1e-6).toFixed(3)} | ${median(c.results.map((r) => r.peak)).toFixed(0)} | ${verdict} |`,
  );
}
if (below > 0) console.log(`\n${below} below ${share} of the floor`);
process.exit(values.check && below > 0 ? 1 : 0);
