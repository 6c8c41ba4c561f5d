// argv: file, first, count. Writes v, dL/dparameters and dL/dx of each case, one after another, as float32; prints the ISA.

import { closeSync, openSync, writeSync } from 'node:fs';
import { native } from '../../../lib/native/load.ts';
import { encodeProgram } from '../../../lib/network/encode.ts';
import { caseAt } from '../cases.ts';

const [file, first, count] = process.argv.slice(2) as [string, string, string];
const { Network, info } = native();
const out = openSync(file, 'w');
for (let index = Number(first); index < Number(first) + Number(count); index++) {
  const { network, inputs } = caseAt(index);
  const { words, constants } = encodeProgram(network.program);
  const net = new Network(words, constants, inputs.parameters);
  const gradient = net.gradientSync(inputs.x, inputs.t, inputs.condition, inputs.cotangent);
  for (const part of [net.evaluateSync(inputs.x, inputs.t, inputs.condition), gradient.parameters, gradient.x]) {
    writeSync(out, new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  net.dispose();
}
closeSync(out);
process.stdout.write(info().isa);
