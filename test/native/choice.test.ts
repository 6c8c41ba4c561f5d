// FLOWMATCH_ISA chooses by name and never falls back silently.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { table } from './table.ts';

const file = new URL('../../build/Release/flowmatch_test.node', import.meta.url).pathname;
function chosen(isa: string): { isa: string; error?: string } {
  const script = 'process.stdout.write(JSON.stringify(require(process.argv[1]).chosen()))';
  const env = { ...process.env, FLOWMATCH_ISA: isa };
  return JSON.parse(execFileSync(process.execPath, ['-e', script, process.env.FLOWMATCH_TEST_ADDON ?? file], { env, encoding: 'utf8' }));
}

describe('the choice of kernels', () => {
  it('takes the best when nothing is asked', () => expect(chosen('')).toEqual({ isa: table.available()[0] }));
  it.each(table.available())('takes %s by name', (isa) => expect(chosen(isa)).toEqual({ isa }));
  it('the addon itself refuses to load then, naming them', () => {
    const addon = new URL('../../build/Release/flowmatch.node', import.meta.url).pathname;
    const script = 'try { require(process.argv[1]); } catch (error) { process.stdout.write(error.message); }';
    const message = execFileSync(process.execPath, ['-e', script, addon], { env: { ...process.env, FLOWMATCH_ISA: 'avx9000' }, encoding: 'utf8' });
    expect(message).toContain(table.available().join(', '));
  });
  it('reports a name it cannot run, with what it can', () => {
    const { error } = chosen('avx9000');
    expect(error).toContain("'avx9000'");
    for (const isa of table.available()) expect(error).toContain(isa);
  });
});
