// The kernel sweeps without a test runner, for machines that can run Node but not vitest (emulators): node scripts/kernel-checks.mjs [addon]
// Prints one line per family and ISA and a digest of normals that every ISA with fma must share; exits 1 on any failure.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const file = resolve(process.argv[2] ?? 'build/Release/flowmatch_test.node');
const table = createRequire(import.meta.url)(file);
const families = ['dense', 'weight_grad', 'pack', 'elementwise', 'reduce', 'layer_norm', 'adam', 'random', 'special', 'assign', 'entropic'];
let failed = 0;
for (const isa of table.available()) {
  for (const family of families) {
    const { cases, failures, worst, first } = table.check(isa, family, 1);
    if (failures > 0 || cases === 0) failed++;
    console.log(`${failures === 0 ? 'ok  ' : 'FAIL'} ${isa} ${family}: ${cases} cases, worst ${worst.toFixed(3)} of the bound ${first}`);
  }
  const normals = table.draw(isa, Uint32Array.of(1, 2), 3, 0n, 20_000, 7, true);
  console.log(`digest ${isa === 'baseline' ? 'baseline' : 'fma'} ${createHash('sha256').update(new Uint8Array(normals.buffer)).digest('hex')}`);
}
for (const [isa, name] of table.narrowAvailable())
  for (const family of ['convert', 'pack', 'dense', 'weight_grad']) {
    const { cases, failures, worst, first } = table.checkNarrow(isa, name, family, 1);
    if (failures > 0 || cases === 0) failed++;
    console.log(`${failures === 0 ? 'ok  ' : 'FAIL'} ${isa} bfloat16 ${name} ${family}: ${cases} cases, worst ${worst.toFixed(3)} of the bound ${first}`);
  }
console.log(`${process.arch}: ${failed === 0 ? 'all kernels agree' : `${failed} families failed`}`);
process.exitCode = failed === 0 ? 0 : 1;
