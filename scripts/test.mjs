// `npm test`: makes the clone ready, runs vitest, and closes with one line `N passed, N failed`. Arguments go to vitest.
// Fails when a test fails, when none ran, or when a file could not be loaded.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';

ensure();
const folder = mkdtempSync(join(tmpdir(), 'flowmatch-test-'));
const report = join(folder, 'report.json');
const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const { status } = spawnSync(process.execPath, [...args, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
let passed = 0;
let failed = 1;
let skipped = 0;
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  passed = result.numPassedTests;
  skipped = result.numPendingTests + result.numTodoTests;
  const unloaded = result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  failed = result.numFailedTests + unloaded;
} catch (error) {
  process.stderr.write(`no test report: ${error.message}\n`);
}
rmSync(folder, { recursive: true, force: true });
if (passed === 0) failed = Math.max(failed, 1);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(status !== 0 || failed > 0 ? 1 : 0);
