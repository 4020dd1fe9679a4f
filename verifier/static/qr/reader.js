// Reads the QR code of a certificate: text of the code → the identical SD-JWT. For the desk's page
// and for Node 20 and later; plain modules, nothing to build, nothing to install.
//
//   import { fetchedFrom, readCode } from "/static/qr/reader.js";
//   const { token } = await readCode(text, fetchedFrom("/v1/dictionaries/"));
//
// The token is as untrusted as any other: whoever reads it verifies it.

import { unpack } from "./frame.js";
import { fromText } from "./text.js";

export { BUILT_IN, fetchedFrom } from "./dictionaries.js";
export { Refused } from "./errors.js";
export { unpack } from "./frame.js";
export { fromText } from "./text.js";

/**
 * The token of a QR text.
 * @param {string} text as it was scanned: our address with digits, or a bare run of digits
 * @param {import("./dictionaries.js").Fetch} fetched gives preset dictionaries
 * @returns {Promise<{token: string, seed: Uint8Array|null, dictionary: number}>}
 * @throws {Refused} with the code that the SDK gives the same text: `unreadable`,
 *   `not_a_certificate`, `format_unsupported` or `malformed`
 */
export async function readCode(text, fetched) {
  return unpack(fromText(text), fetched);
}
