// N17: bytes as decimal digits, 7 bytes in 17 digits (wire format "QR frame, version 1").

import { unreadable } from "./errors.js";

const GROUP_DIGITS = 17;
/** Digits of a group → its bytes. */
const BYTES_OF = new Map([[3, 1], [5, 2], [8, 3], [10, 4], [13, 5], [15, 6], [17, 7]]);
/** A version 40-L symbol holds 7,089 digits: nothing longer came out of a QR code. */
const MAX_DIGITS = 7089;

/**
 * Read digits back into bytes.
 * @param {string} digits ASCII digits
 * @returns {Uint8Array}
 * @throws {Refused} unreadable: another character, too many digits, an impossible tail length, or
 *   a group above the range of its bytes
 */
export function decodeDigits(digits) {
  if (digits.length > MAX_DIGITS || !/^[0-9]+$/.test(digits)) {
    throw unreadable(`a code holds 1-${MAX_DIGITS} digits and nothing else`);
  }
  const tail = digits.length % GROUP_DIGITS;
  if (tail && !BYTES_OF.has(tail)) throw unreadable("digits are missing: no group has this length");
  const whole = (digits.length - tail) / GROUP_DIGITS;
  const bytes = new Uint8Array(7 * whole + (tail ? BYTES_OF.get(tail) : 0));
  let at = 0;
  for (let start = 0; start < digits.length; start += GROUP_DIGITS) {
    const group = digits.slice(start, start + GROUP_DIGITS);
    const size = BYTES_OF.get(group.length);
    let value = BigInt(group);
    for (let place = at + size - 1; place >= at; place -= 1) {
      bytes[place] = Number(value & 255n);
      value >>= 8n;
    }
    if (value) throw unreadable("a group of digits is above the range of its bytes");
    at += size;
  }
  return bytes;
}
