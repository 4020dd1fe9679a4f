// SD-JWT by `@sd-jwt/core` and SD-JWT VC by `@sd-jwt/sd-jwt-vc`, keys by `@sd-jwt/crypto-nodejs`.
import { SDJwtInstance } from '@sd-jwt/core';
import { ES256, digest, generateSalt, getSigner, getVerifier } from '@sd-jwt/crypto-nodejs';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';

// `EdDSA` is the older name of Ed25519; the ML-DSA names are WebCrypto's own.
const webcrypto = (alg) => ({ name: alg === 'EdDSA' ? 'Ed25519' : alg });

function signerFor(alg, jwk) {
  return alg === 'ES256' ? ES256.getSigner(jwk) : getSigner(jwk, webcrypto(alg), webcrypto(alg));
}

function verifierFor(alg, jwk) {
  return alg === 'ES256' ? ES256.getVerifier(jwk) : getVerifier(jwk, webcrypto(alg), webcrypto(alg));
}

function instance(vc, config) {
  const Instance = vc ? SDJwtVcInstance : SDJwtInstance;
  return new Instance({ hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt, ...config });
}

// A disclosure frame names what becomes disclosable: {_sd: [names], _sd_decoy: count, name: frame}.
export async function sdjwt_issue({ vc, header, jwk, claims, frame }) {
  const peer = instance(vc, { signAlg: header.alg, signer: await signerFor(header.alg, jwk) });
  return peer.issue(claims, frame, { header });
}

// `lists` answers the fetch of a status list: {uri: token}, all of them signed by the issuer's key;
// `types` that of type metadata: {vct: document}.
export async function sdjwt_verify({ vc, token, alg, jwk, now, nonce, holderAlg, lists, types }) {
  const verifier = await verifierFor(alg, jwk);
  const peer = instance(vc, {
    verifier,
    statusVerifier: verifier,
    statusListFetcher: async (uri) => lists[uri],
    loadTypeMetadataFormat: Boolean(types),
    vctFetcher: async (vct) => types[vct],
    kbVerifier: async (data, signature, payload) =>
      (await verifierFor(holderAlg, payload.cnf.jwk))(data, signature),
  });
  const options = { currentDate: now, keyBindingNonce: nonce };
  const { payload, kb, typeMetadata } = await peer.verify(token, options);
  return { claims: payload, kb: kb?.payload, type: typeMetadata?.mergedTypeMetadata };
}

// A presentation frame names what to show: {name: {name: {}}}; whoever is named shows its parents.
export async function sdjwt_present({ token, frame, kb }) {
  if (!kb) return instance(false, {}).present(token, frame);
  const config = { kbSignAlg: kb.alg, kbSigner: await signerFor(kb.alg, kb.jwk) };
  return instance(false, config).present(token, frame, { kb: { payload: kb.payload } });
}

// Raises where the document is not the one that `integrity` was made for.
export async function type_integrity({ document, integrity }) {
  await instance(true, {}).validateIntegrity(new Response(document), 'the document', integrity);
}
