// report.ts: prints info() and what native() throws, twice.
import { info } from '../../../lib/native/info.ts';
import { native } from '../../../lib/native/load.ts';

const attempt = (): Error | null => {
  try {
    native();
    return null;
  } catch (error) {
    return error as Error;
  }
};
const first = attempt() as (Error & { code: string }) | null;
console.log(JSON.stringify({ ...info(), thrown: first && { code: first.code, message: first.message, same: first === attempt() } }));
