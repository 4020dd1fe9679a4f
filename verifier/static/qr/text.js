// The text of a certificate's QR code: `https://<host>/v#` and digits. Nothing is ever opened.

import { decodeDigits } from "./digits.js";
import { notACertificate } from "./errors.js";

/** Longer than any QR code's text, in code points. */
const MAX_TEXT = 8192;

const HOST = "[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?";
// Caps Lock on a wedge scanner's keyboard turns the letters over; digits stay. Without the flag
// `u`, no letter outside ASCII folds into one of ours.
const OURS = new RegExp(`^https://${HOST}/v#(.*)$`, "is");
// Shorter runs are barcodes, telephone and case numbers.
const BARE = /^[0-9]{60,}$/;
// The SDK's white space, which `trim` does not share.
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const LEADING = new RegExp(`^${SPACE}+`);
const ONE_SPACE = new RegExp(SPACE);

/**
 * The frame's bytes from what a camera, a wedge scanner or a paste delivered.
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {Refused} unreadable: our prefix, or a bare run of digits, with broken digits;
 *   not_a_certificate: a foreign URL or any other text
 */
export function fromText(text) {
  if (text.length > MAX_TEXT && [...text].length > MAX_TEXT) {
    throw notACertificate("the text is longer than any QR code's");
  }
  const stripped = strip(text);
  const ours = OURS.exec(stripped);
  if (ours) return decodeDigits(ours[1]);
  if (BARE.test(stripped)) return decodeDigits(stripped);
  throw notACertificate("the text is not the code of a certificate");
}

function strip(text) {
  const begun = text.replace(LEADING, "");
  // From the end by hand: a pattern would try every run of white space in the middle.
  let end = begun.length;
  while (end > 0 && ONE_SPACE.test(begun[end - 1])) end -= 1;
  return begun.slice(0, end);
}
