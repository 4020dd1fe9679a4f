// The text inside a frame: digests are left out of it, and computed here bottom-up.
//
// An `_sd` array is written `"_sd":[k]`, k the number of its disclosed entries, withheld digests
// following in ascending order; a disclosed array element is `{"...":""}`. Lines stand in
// pre-order. All of it is text: JSON is never parsed and written again.

import { base64url, sha256, utf8 } from "./bytes.js";
import { malformed } from "./errors.js";
import { sm3 } from "./sm3.js";

/** The salt's index is one byte. */
export const MAX_DISCLOSURES = 256;
/** Below this no parser runs out of stack; the SDK's own bound. */
const MAX_DEPTH = 16;

const DIGEST = "[A-Za-z0-9_-]{43}";
const DIGESTS = `"${DIGEST}"(?:,"${DIGEST}")*`;
// One character a step: no two ways to read a string, so an endless one is found out in one pass.
const STRING = '"(?:[^"\\\\]|\\\\.)*"';
// The string comes last and swallows whole strings, so that text in a value which looks like a
// slot is never taken for one; a lone quote is a string that never ends.
const SLOT = new RegExp(
  `"_sd":\\[(?<count>0|[1-9][0-9]{0,2})(?:,(?<withheld>${DIGESTS}))?\\]` +
    `|\\{"\\.\\.\\.":"(?<element>(?:${DIGEST})?)"\\}|(?<odd>"_sd":)|${STRING}|(?<open>")`,
  "gs",
);
const NAMED = new RegExp(`^(${STRING}):(.+)$`, "s");

/**
 * Rebuild disclosures and digests.
 * @param {string} payload payload text with short slots
 * @param {string[]} lines one line a disclosure, in pre-order
 * @param {Uint8Array[]} salts one salt a line
 * @returns {Promise<{payload: string, disclosures: string[], withheld: number}>}
 * @throws {Refused} malformed
 */
export async function expand(payload, lines, salts) {
  const digest = payload.includes('"_sd_alg":"sm3"') ? sm3 : sha256;
  const work = new Expander(lines, salts, digest);
  const text = await work.text(payload, 0);
  if (work.used !== lines.length) throw malformed("the frame has lines that no slot uses");
  return { payload: text, disclosures: work.disclosures, withheld: work.withheld };
}

class Expander {
  constructor(lines, salts, digest) {
    this.lines = lines;
    this.salts = salts;
    this.digest = digest;
    this.used = 0;
    this.withheld = 0;
    this.disclosures = lines.map(() => "");
  }

  /** A text with its slots filled. */
  async text(text, depth) {
    if (depth > MAX_DEPTH) throw malformed(`disclosures are nested deeper than ${MAX_DEPTH}`);
    if (!text.includes('"_sd"') && !text.includes('"..."')) return text;
    let out = "";
    let at = 0;
    for (const match of text.matchAll(SLOT)) {
      out += text.slice(at, match.index) + (await this.slot(match, depth));
      at = match.index + match[0].length;
    }
    return out + text.slice(at);
  }

  async slot(match, depth) {
    const { count, withheld, element, odd, open } = match.groups;
    if (odd !== undefined || open !== undefined) {
      throw malformed("the frame holds an `_sd` of another form or an endless string");
    }
    if (count !== undefined) return this.sd(Number(count), withheld, depth);
    if (element === "") return `{"...":"${await this.line(false, depth)}"}`;
    if (element !== undefined) this.withheld += 1;
    return match[0];
  }

  async sd(count, withheld, depth) {
    const entries = withheld === undefined ? [] : withheld.replaceAll('"', "").split(",");
    if (entries.some((entry, index) => index > 0 && entries[index - 1] > entry)) {
      throw malformed("withheld digests are not in ascending order");
    }
    this.withheld += entries.length;
    for (let left = count; left > 0; left -= 1) entries.push(await this.line(true, depth));
    return `"_sd":[${entries.sort().map((entry) => `"${entry}"`).join(",")}]`;
  }

  /** Take the next line, rebuild its disclosure after those inside it; the result is its digest. */
  async line(named, depth) {
    const at = this.used;
    if (at >= this.lines.length) throw malformed("the frame has fewer lines than slots");
    this.used += 1;
    let name = "";
    let value = this.lines[at];
    if (named) {
      const parts = NAMED.exec(value);
      if (!parts) throw malformed("a line has no claim name");
      name = `${parts[1]},`;
      value = parts[2];
    }
    if (!value) throw malformed("a line has no value");
    const salt = base64url(this.salts[at]);
    const text = `["${salt}",${name}${await this.text(value, depth + 1)}]`;
    this.disclosures[at] = base64url(utf8(text));
    return base64url(await this.digest(utf8(this.disclosures[at])));
  }
}
