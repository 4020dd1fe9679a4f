// The Node side of the oracle tests: one JSON line in, one JSON line out, until stdin closes.
//   {"op": "jws_verify", …}  →  {"ok": …}  or  {"error": "<code>: <message>"}
import { createInterface } from 'node:readline';
import * as jws from './jws.mjs';
import * as sdjwt from './sdjwt.mjs';
import * as statuslist from './statuslist.mjs';

const operations = { ...jws, ...sdjwt, ...statuslist };

async function answer(line) {
  try {
    const { op, ...args } = JSON.parse(line);
    return { ok: (await operations[op](args)) ?? null };
  } catch (error) {
    return { error: `${error.code ?? error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
