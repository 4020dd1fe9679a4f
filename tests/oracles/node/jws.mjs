// Compact JWS and JWK thumbprints, by `jose`.
import { CompactSign, calculateJwkThumbprint, compactVerify, importJWK } from 'jose';

const text = new TextDecoder();
const bytes = new TextEncoder();

export async function jws_sign({ header, payload, jwk }) {
  const key = await importJWK(jwk, header.alg);
  return new CompactSign(bytes.encode(payload)).setProtectedHeader(header).sign(key);
}

export async function jws_verify({ token, alg, jwk }) {
  const key = await importJWK(jwk, alg);
  const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: [alg] });
  return { header: protectedHeader, payload: text.decode(payload) };
}

export async function thumbprint({ jwk }) {
  return calculateJwkThumbprint(jwk, 'sha256');
}

// Node 20 cannot say and has no ML-DSA; the Node of the wheel has it.
export async function supports({ alg }) {
  return globalThis.SubtleCrypto?.supports?.('generateKey', alg) ?? false;
}
