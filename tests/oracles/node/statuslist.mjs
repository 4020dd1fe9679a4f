// Token status lists by `@sd-jwt/jwt-status-list`; their JWT signed and checked by `jose`.
import { StatusList, createHeaderAndPayload, getListFromStatusListJWT } from '@sd-jwt/jwt-status-list';
import { jws_sign, jws_verify } from './jws.mjs';

export function statuslist_pack({ values, bits }) {
  return new StatusList(values, bits).compressStatusList();
}

export function statuslist_unpack({ lst, bits }) {
  return StatusList.decompressStatusList(lst, bits).statusList;
}

export async function statuslist_sign({ values, bits, claims, header, jwk }) {
  const made = createHeaderAndPayload(new StatusList(values, bits), claims, header);
  return jws_sign({ header: made.header, payload: JSON.stringify(made.payload), jwk });
}

export async function statuslist_read({ token, alg, jwk }) {
  const { header, payload } = await jws_verify({ token, alg, jwk });
  const list = getListFromStatusListJWT(token);
  return { header, claims: JSON.parse(payload), bits: list.getBitsPerStatus(), values: list.statusList };
}
