// Preset DEFLATE dictionaries: immutable files, one byte id, SHA-256 pinned.

import { hex, sha256 } from "./bytes.js";
import { formatUnsupported } from "./errors.js";

/** RFC 1951 section 2: nothing further back can be referred to. */
const MAX_DICTIONARY = 32 * 1024;

/** Number → SHA-256 of a built-in dictionary; 0 is the empty one. */
export const BUILT_IN = new Map([
  [1, "508ef034ac5398ac0d44428fee4761b5253ed6f4018c2017830bf4244049bc9d"],
  [2, "a8b5aae17809684fc58adb892c829cc28a7e0bf1cedb96dba691e2027e516fcc"],
]);

/**
 * @callback Fetch gives the bytes of a dictionary, or null where there is none of that number
 * @param {number} number one byte
 * @returns {Promise<Uint8Array|null>}
 */

/**
 * A built-in dictionary, or a later one.
 * @param {number} number one byte; a built-in one is never replaced
 * @param {Fetch} fetched gives built-in ones, checked here, and later ones, which its own origin
 *   must have verified against the trust list
 * @returns {Promise<Uint8Array>}
 * @throws {Refused} format_unsupported: nobody knows it, it was altered, or is too long to be one
 */
export async function findDictionary(number, fetched) {
  if (number === 0) return new Uint8Array();
  const data = await fetched(number);
  if (data === null || data.length > MAX_DICTIONARY) {
    throw formatUnsupported(`QR dictionary ${number} is not known to this reader`);
  }
  const pinned = BUILT_IN.get(number);
  if (pinned !== undefined && hex(await sha256(data)) !== pinned) {
    throw formatUnsupported(`QR dictionary ${number} was altered`);
  }
  return data;
}

/**
 * Dictionaries of a verifier service, each asked for once.
 * @param {string} base address to which the number is put; ends in `/`
 * @returns {Fetch}
 */
export function fetchedFrom(base) {
  const known = new Map();
  return async (number) => {
    if (known.has(number)) return known.get(number);
    const answer = await fetch(`${base}${number}`, { credentials: "omit" });
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`dictionary ${number}: HTTP status ${answer.status}`);
    const data = new Uint8Array(await answer.arrayBuffer());
    known.set(number, data);
    return data;
  };
}
