/** A text that is not read, with the stable code of the SDK: `unreadable` and its siblings. */
export class Refused extends Error {
  /**
   * @param {"unreadable"|"not_a_certificate"|"format_unsupported"|"malformed"} code
   * @param {string} message for people who maintain the reader, not for clerks
   */
  constructor(code, message) {
    super(message);
    this.name = "Refused";
    this.code = code;
  }
}

export const unreadable = (message) => new Refused("unreadable", message);
export const notACertificate = (message) => new Refused("not_a_certificate", message);
export const formatUnsupported = (message) => new Refused("format_unsupported", message);
export const malformed = (message) => new Refused("malformed", message);
