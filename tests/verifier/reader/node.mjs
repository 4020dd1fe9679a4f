// Reads QR texts in Node. Arguments: address of reader.js, folder of dictionaries named by number.
// A line holds an array of texts; the answer is an array of {token, seed, dictionary} or {code}.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const [reader, folder] = process.argv.slice(2);
const { readCode, Refused } = await import(reader);

async function fetched(number) {
  try {
    return new Uint8Array(await readFile(`${folder}/${number}`));
  } catch {
    return null;
  }
}

async function answer(text) {
  try {
    const { token, seed, dictionary } = await readCode(text, fetched);
    return { token, seed: seed && Buffer.from(seed).toString("hex"), dictionary };
  } catch (error) {
    // Anything else is a fault of the reader, and equal to nothing that the SDK says.
    return error instanceof Refused ? { code: error.code } : { fault: String(error.stack) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answers = [];
  for (const text of JSON.parse(line)) answers.push(await answer(text));
  console.log(JSON.stringify(answers));
}
