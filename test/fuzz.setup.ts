// The same random inputs at every run, so that a red run can be repeated; FLOWMATCH_FUZZ_SEED=random (or a number) looks elsewhere.
import fc from 'fast-check';

const wanted = process.env['FLOWMATCH_FUZZ_SEED'];
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted ?? 20_261_123) });
