// What both the bench and the server verify with: `jose` for a JWT, `@sd-jwt/core` for an SD-JWT.
import { SDJwtInstance } from '@sd-jwt/core';
import { ES256, digest, getVerifier } from '@sd-jwt/crypto-nodejs';
import { importJWK, jwtVerify } from 'jose';

export async function jwtVerifier(jwk, alg) {
  const key = await importJWK(jwk, alg);
  const options = { algorithms: [alg], typ: 'dc+sd-jwt' };
  return async (token) => (await jwtVerify(token, key, options)).payload;
}

export async function sdJwtVerifier(jwk, alg) {
  const name = { name: alg };
  const verifier = alg === 'ES256' ? await ES256.getVerifier(jwk) : await getVerifier(jwk, name, name);
  const instance = new SDJwtInstance({ verifier, hasher: digest, hashAlg: 'sha-256' });
  return async (token) => (await instance.verify(token)).payload;
}
