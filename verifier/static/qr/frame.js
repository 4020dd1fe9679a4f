// QR frame, version 1: an exact SD-JWT in as few bytes as it goes.
//
// body = 0x01 | dictionary:1 | flags:1 | S | raw DEFLATE(stream, preset dictionary)
//      | signature:64 | CRC-16:2
//
// S is the 16-byte salt seed (flags 0), `n:1` and n salts of 16 bytes (bit 0), or empty (bit 1).
// Nothing is verified here but the frame: only the signature says "forged".

import { base64url, crc16, hmacSha256, joined, textOf, utf8 } from "./bytes.js";
import { findDictionary } from "./dictionaries.js";
import { formatUnsupported, malformed, unreadable } from "./errors.js";
import { inflate } from "./inflate.js";
import { MAX_DISCLOSURES, expand } from "./stream.js";

const VERSION = 1;
const SEEDED = 0;
const SALTED = 1;
const EMPTY = 2;
const HEAD_BYTES = 3;
const SALT_BYTES = 16;
const SIGNATURE_BYTES = 64;
const CRC_BYTES = 2;

/**
 * Read frame bytes back into the exact token.
 * @param {Uint8Array} body
 * @param {import("./dictionaries.js").Fetch} fetched
 * @returns {Promise<{token: string, seed: Uint8Array|null, dictionary: number}>}
 * @throws {Refused} unreadable: the CRC does not fit; format_unsupported: an unknown version,
 *   dictionary or flag; malformed: anything else that no maker would have written
 */
export async function unpack(body, fetched) {
  const content = body.subarray(0, -CRC_BYTES);
  const [high, low] = body.subarray(-CRC_BYTES);
  if (content.length < HEAD_BYTES || crc16(content) !== high * 256 + low) {
    throw unreadable("the code was not read whole (CRC)");
  }
  const [version, dictionary, flags] = content;
  if (version !== VERSION) throw formatUnsupported(`QR frame version ${version} is not known`);
  if (flags > EMPTY) throw formatUnsupported(`QR frame flags ${flags} are not known`);
  const preset = await findDictionary(dictionary, fetched);
  const [carried, start] = saltBytes(content, flags);
  const end = content.length - SIGNATURE_BYTES;
  if (start >= end) throw malformed("the frame ends before its signature");
  const stream = await inflate(content.subarray(start, end), preset);
  const [header, payload, ...lines] = linesOf(stream);
  const salts = await saltsOf(carried, flags, lines.length);
  const text = await expand(payload, lines, salts);
  if (flags === SEEDED && text.withheld) {
    throw malformed("a salt seed travels with withheld claims");
  }
  const parts = [utf8(header), utf8(text.payload), content.subarray(end)];
  const token = [parts.map(base64url).join("."), ...text.disclosures, ""].join("~");
  return { token, seed: flags === SEEDED ? carried.slice() : null, dictionary };
}

/** S without its count, and where the DEFLATE data begin. */
function saltBytes(content, flags) {
  if (flags === EMPTY) return [content.subarray(0, 0), HEAD_BYTES];
  const start = HEAD_BYTES + (flags === SALTED ? 1 : 0);
  const count = flags === SALTED ? (content[HEAD_BYTES] ?? 0) : 1;
  const end = start + count * SALT_BYTES;
  // A part of a short body is short; the caller's end check refuses it.
  return [content.subarray(start, end), end];
}

/** The lines of the stream; header and payload are there. */
function linesOf(stream) {
  let lines;
  try {
    lines = textOf(stream).split("\n");
  } catch {
    throw malformed("the frame's text is not UTF-8");
  }
  if (lines.length < 2 || !lines[0] || !lines[1]) {
    throw malformed("the frame has no header or no payload");
  }
  return lines;
}

/** One salt a line; flags and lines must agree. */
async function saltsOf(carried, flags, count) {
  if (count > MAX_DISCLOSURES) throw malformed(`more than ${MAX_DISCLOSURES} disclosures`);
  if (count > 0 === (flags === EMPTY)) {
    throw malformed("the frame's flags and its disclosures do not agree");
  }
  const indexes = Array.from({ length: count }, (_, index) => index);
  if (flags === SEEDED) {
    const mac = await hmacSha256(carried);
    const label = utf8("qr1-salt");
    const salt = async (index) => mac(joined(label, Uint8Array.of(index)));
    return Promise.all(
      indexes.map(async (index) => (await salt(index)).subarray(0, SALT_BYTES)),
    );
  }
  if (carried.length !== count * SALT_BYTES) {
    throw malformed("the frame has another number of salts than of disclosures");
  }
  return indexes.map((index) => carried.subarray(SALT_BYTES * index, SALT_BYTES * (index + 1)));
}
