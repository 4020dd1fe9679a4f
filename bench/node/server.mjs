// fastify with jose as a verification service: one process a core, body limit, a log line a request.
// Environment: PORT, WORKERS, JWK, ALG. Answers POST /v1/verifications as the verifier service does.
import cluster from 'node:cluster';

import fastify from 'fastify';

import { jwtVerifier, sdJwtVerifier } from './verify.mjs';

const BODY_BYTES = 512 * 1024;
const { PORT, WORKERS, JWK, ALG } = process.env;

async function serve() {
  const jwk = JSON.parse(JWK);
  const [jwt, sdJwt] = await Promise.all([jwtVerifier(jwk, ALG), sdJwtVerifier(jwk, ALG)]);
  const app = fastify({ logger: true, disableRequestLogging: true, bodyLimit: BODY_BYTES });
  app.addHook('onResponse', async (request, reply) => {
    request.log.info({ route: request.routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime });
  });

  async function check(text) {
    try {
      const disclosed = text.indexOf('~') < text.length - 1;
      return { outcome: 'VALID', claims: await (disclosed ? sdJwt(text) : jwt(text.slice(0, -1))) };
    } catch (error) {
      return { outcome: 'INVALID', code: error.code ?? 'malformed', claims: null };
    }
  }

  const schema = {
    body: {
      type: 'object',
      additionalProperties: false,
      properties: {
        text: { type: 'string' },
        items: { type: 'array', items: { type: 'object', properties: { text: { type: 'string' } } } },
      },
    },
  };
  app.post('/v1/verifications', { schema }, async ({ body }) => {
    const texts = body.items ? body.items.map((item) => item.text) : [body.text];
    const verdicts = await Promise.all(texts.map(check));
    return { verifications: verdicts.map((verdict, index) => ({ index, verdict })) };
  });
  await app.listen({ host: '127.0.0.1', port: Number(PORT) });
}

if (cluster.isPrimary) {
  for (let number = 0; number < Number(WORKERS); number += 1) cluster.fork();
  process.on('SIGTERM', () => process.exit(0));
} else {
  await serve();
}
