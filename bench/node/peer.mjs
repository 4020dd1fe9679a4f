// Repeats a job on demand: a line {kind, token, jwk, alg} prepares it, a line {job, count} runs it
// and answers {seconds}, processor time of the whole process.
import { createInterface } from 'node:readline';

import { jwtVerifier, sdJwtVerifier } from './verify.mjs';

const makers = { jwt: jwtVerifier, 'sd-jwt': sdJwtVerifier };
const jobs = [];

async function prepare({ kind, token, jwk, alg }) {
  const verify = await makers[kind](jwk, alg);
  await verify(token);
  jobs.push(() => verify(token));
  return { job: jobs.length - 1 };
}

async function run({ job, count }) {
  const work = jobs[job];
  const began = process.cpuUsage();
  for (let done = 0; done < count; done += 1) await work();
  const { user, system } = process.cpuUsage(began);
  return { seconds: (user + system) / 1e6 };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await ('count' in request ? run(request) : prepare(request));
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
