# ruff: noqa: N818 — names say what is wrong; verdict codes are derived from them
"""Every way this SDK says no; nothing foreign escapes it.

CertsvcError
├── Malformed               the token, JSON or base64url is not what its grammar demands
├── AlgorithmNotAllowed     the header names another algorithm than the key record
├── SignatureInvalid        the signature does not verify
├── DisclosureInvalid       SD-JWT disclosures and digests do not fit (RFC 9901 section 7.1)
├── HolderBindingInvalid    the key-binding JWT is missing or wrong (RFC 9901 section 7.3)
│   ├── PresentationExpired     it is the holder's, but of an earlier moment
│   └── PresentationReplayed    it is the holder's, but its nonce was used before
├── NotACertificate         the text is something else: a foreign URL, a payment code
├── Unreadable              the code was damaged on the way: scan again
├── FormatUnsupported       a frame version, dictionary or flag this release does not know
├── CodeUnknown             no resolver knows the typed code
├── CodeUnavailable         the typed code cannot be looked up now
├── KeyFormatInvalid        a public key is not a usable JWK of its algorithm
├── StatusListInvalid       a status list is broken or an index lies outside it
├── TypeMetadataInvalid     type metadata breaks its grammar or contradicts itself
├── IntegrityInvalid        a document is not the one its reference was made for
├── LogInvalid              something of a transparency log is not what it should be
│   ├── LogLeafInvalid          a leaf is not a canonical record of one event
│   ├── LogTileInvalid          a tile or entry bundle has a wrong name, size or content
│   ├── LogNoteInvalid          a signed note, verifier key or checkpoint breaks its grammar
│   ├── LogUntrusted            a checkpoint lacks a good signature of the log or of witnesses
│   ├── LogProofInvalid         a proof breaks its grammar or does not lead to the root
│   ├── LogHistoryInvalid       the history of a certificate contradicts itself or its proofs
│   └── LogForked               two signed checkpoints of one log cannot both be true
├── ChainInvalid            X.509 certificates do not lead from an anchor to the key
│   ├── ChainMalformed          one breaks its encoding, a limit or the profile
│   ├── ChainUntrusted          there is no anchor, or a link may not issue the next
│   ├── ChainOutsidePeriod      one was not valid at that time
│   ├── ChainRevoked            one was revoked
│   ├── ChainRevocationUnknown  no fresh list of revocations answers for one
│   └── ChainMismatch           the chain is good, but of another key or office
├── TrustInvalid            trust data fails its signatures or its grammar
├── TrustUnavailable        trust data was never fetched
├── FetchFailed             a network or file source did not answer
├── ImageUnreadable, FileUnsupported, FileTooLarge, NoCodeFound   reading images and PDFs
├── PolicyInvalid           the caller's policy is not well formed
└── VerificationFailed      `Verifier.verify` refuses; carries the verdict

Longer than other files, and whole on purpose: a reader asks "which of all these can it be?", and a
leaf's code is compared with every other one's.
"""

from collections.abc import Mapping
from typing import Protocol


class CertsvcError(Exception):
    """Root of all errors of this package; `code` is stable and documented."""

    code: str = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class Malformed(CertsvcError):
    """Outside data breaks its grammar or a limit."""

    code = "malformed"


class AlgorithmNotAllowed(CertsvcError):
    """The algorithm is unknown or not the one of the key record."""

    code = "algorithm_not_allowed"


class SignatureInvalid(CertsvcError):
    """A signature does not verify under the key."""

    code = "signature_invalid"


class DisclosureInvalid(CertsvcError):
    """Disclosures and digests of an SD-JWT do not fit together."""

    code = "disclosure_invalid"


class HolderBindingInvalid(CertsvcError):
    """The key-binding JWT is missing, old, replayed or signed by another key."""

    code = "holder_binding_invalid"


class PresentationExpired(HolderBindingInvalid):
    """The holder made this presentation, but too long ago; a fresh one will do."""

    code = "presentation_expired"


class PresentationReplayed(HolderBindingInvalid):
    """The nonce of a presentation was used before."""

    code = "presentation_replayed"


class NotACertificate(CertsvcError):
    """The text is no certificate at all."""

    code = "not_a_certificate"


class Unreadable(CertsvcError):
    """The code was damaged on its way here; scanning again may help."""

    code = "unreadable"


class FormatUnsupported(CertsvcError):
    """A format version, dictionary or flag that this release does not know."""

    code = "format_unsupported"


class CodeUnknown(CertsvcError):
    """No resolver knows the typed code."""

    code = "code_unknown"


class CodeUnavailable(CertsvcError):
    """The typed code cannot be looked up now: no resolver, no line, or no believable answer."""

    code = "code_unavailable"


class KeyFormatInvalid(CertsvcError):
    """A public key is not a well-formed JWK of its algorithm."""

    code = "key_format_invalid"


class StatusListInvalid(CertsvcError):
    """A status list is broken, or an index lies outside it."""

    code = "status_list_invalid"


class TypeMetadataInvalid(CertsvcError):
    """Type metadata breaks its grammar, contradicts itself, or extends without end."""

    code = "type_metadata_invalid"


class IntegrityInvalid(CertsvcError):
    """A document is not the one its reference was made for, or the reference cannot tell."""

    code = "integrity_invalid"


class LogInvalid(CertsvcError):
    """Something of a transparency log is not what it should be."""

    code = "log_invalid"


class LogLeafInvalid(LogInvalid):
    """A leaf is not the canonical record of one event."""

    code = "log_leaf_invalid"


class LogTileInvalid(LogInvalid):
    """A tile or entry bundle has a wrong name, size or content."""

    code = "log_tile_invalid"


class LogNoteInvalid(LogInvalid):
    """A signed note, a verifier key or a checkpoint breaks its grammar."""

    code = "log_note_invalid"


class LogUntrusted(LogInvalid):
    """A checkpoint is another log's, or lacks a good signature of the log or enough witnesses."""

    code = "log_untrusted"


class LogProofInvalid(LogInvalid):
    """A proof breaks its grammar or does not lead to the root."""

    code = "log_proof_invalid"


class LogHistoryInvalid(LogInvalid):
    """The history of a certificate contradicts itself, its proofs or its statement."""

    code = "log_history_invalid"


class LogForked(LogInvalid):
    """Two signed checkpoints of one log cannot both be true: evidence against the log."""

    code = "log_forked"


class ChainInvalid(CertsvcError):
    """X.509 certificates do not lead from an anchor to the key that was asked for."""

    code = "chain_invalid"


class ChainMalformed(ChainInvalid):
    """A certificate breaks its encoding (DER), a limit or the profile of docs/x509.md."""

    code = "chain_malformed"


class ChainUntrusted(ChainInvalid):
    """The chain leads to no anchor, is in disorder, or a link may not issue the next one."""

    code = "chain_untrusted"


class ChainOutsidePeriod(ChainInvalid):
    """A certificate of the chain was not yet, or no longer, valid at that time."""

    code = "chain_outside_period"


class ChainRevoked(ChainInvalid):
    """A certificate of the chain was revoked, and that counts at that time."""

    code = "chain_revoked"


class ChainRevocationUnknown(ChainInvalid):
    """No list of revocations that is authentic, complete and fresh answers for a certificate."""

    code = "chain_revocation_unknown"


class ChainMismatch(ChainInvalid):
    """The chain is good and its leaf is another key's or another office's."""

    code = "chain_mismatch"


class TrustInvalid(CertsvcError):
    """Trust data fails its signatures or its grammar."""

    code = "trust_invalid"


class TrustUnavailable(CertsvcError):
    """Trust data was never fetched and cannot be fetched now."""

    code = "trust_unavailable"


class FetchFailed(CertsvcError):
    """A network or file source did not answer within its limits."""

    code = "fetch_failed"


class ImageUnreadable(CertsvcError):
    """An image or PDF cannot be decoded."""

    code = "image_unreadable"


class FileUnsupported(CertsvcError):
    """A file type that is not read here."""

    code = "file_unsupported"


class FileTooLarge(CertsvcError):
    """A file, image or page count above its limit."""

    code = "file_too_large"


class NoCodeFound(CertsvcError):
    """No machine-readable code in the image or PDF."""

    code = "no_code_found"


class PolicyInvalid(CertsvcError):
    """The caller's policy is not well formed.

    Attributes:
        pointer: JSON pointer (RFC 6901) of the place that is wrong, empty for the whole policy.
        fault: `type_invalid`, `format_invalid` or `unknown_member`.
        zh: what it should be, in Chinese.
        en: the same in English.
    """

    code = "policy_invalid"
    TYPE_INVALID = "type_invalid"
    FORMAT_INVALID = "format_invalid"
    UNKNOWN_MEMBER = "unknown_member"

    def __init__(
        self,
        message: str,
        *,
        zh: str = "应为合格的 JSON 对象",
        pointer: str = "",
        fault: str = TYPE_INVALID,
    ) -> None:
        super().__init__(f"{pointer}: {message}" if pointer else message)
        self.pointer = pointer
        self.fault = fault
        self.zh = zh
        self.en = message

    @property
    def member(self) -> str | None:
        """Name of the policy's member that is wrong, None where it is the policy as a whole."""
        name = self.pointer[1:].partition("/")[0]
        return name.replace("~1", "/").replace("~0", "~") or None

    def within(self, pointer: str) -> "PolicyInvalid":
        """Return the same refusal for a policy that stands at `pointer` of a larger document."""
        return PolicyInvalid(
            self.en,
            zh=self.zh,
            pointer=pointer + self.pointer,
            fault=self.fault if self.pointer else self.FORMAT_INVALID,
        )


class CarriesCode(Protocol):
    """What `VerificationFailed` needs of a verdict (verdicts live in a higher layer)."""

    @property
    def code(self) -> str:
        """Stable code of the verdict."""
        ...

    def to_json(self) -> Mapping[str, object]:
        """The verdict as JSON data."""
        ...


class VerificationFailed(CertsvcError):
    """A certificate is not valid or not acceptable; `verdict` says why.

    Attributes:
        verdict: the whole verdict, with its checks.
        code: the verdict's code, for instance `revoked` or `trust_stale`.
    """

    def __init__(self, message: str, *, verdict: CarriesCode) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.code = verdict.code
