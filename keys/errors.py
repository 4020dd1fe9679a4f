# ruff: noqa: N818 — names say what is wrong; the stable codes repeat them
"""What can go wrong in custody.

KeysError
├── StoreError
│   ├── StoreUriInvalid      store_uri_invalid
│   ├── StoreUnavailable     store_unavailable
│   ├── PassphraseWrong      passphrase_wrong
│   ├── KekSourceInvalid     kek_source_invalid
│   ├── Pkcs11Missing        pkcs11_missing
│   ├── TokenUnknown         token_unknown
│   ├── TokenAmbiguous       token_ambiguous
│   ├── TokenChanged         token_changed
│   ├── TokenFull            token_full
│   ├── PinSourceInvalid     pin_source_invalid
│   ├── PinWrong             pin_wrong
│   ├── PinLocked            pin_locked
│   ├── StoreBusy            store_busy
│   ├── StoreReadOnly        store_read_only
│   ├── UseForbidden         use_forbidden
│   └── NameInvalid          name_invalid
├── KeyFileError
│   ├── FileMalformed        key_file_malformed
│   ├── FileTampered         key_file_tampered
│   ├── FileMisplaced        key_file_misplaced
│   ├── PermissionsLoose     permissions_loose
│   ├── SymlinkRefused       symlink_refused
│   └── ForeignOwner         foreign_owner
├── KeyUseError
│   ├── AlgorithmUnsupported algorithm_unsupported
│   ├── SoftwareSm2Refused   software_sm2_refused
│   ├── KeyUnknown           key_unknown
│   ├── KeyClash             key_clash
│   ├── TransitionForbidden  transition_forbidden
│   ├── CompromiseTimeInvalid compromise_time_invalid
│   ├── CompromiseLoosened   compromise_loosened
│   ├── StepOutdated         step_outdated
│   ├── PolicyInvalid        policy_invalid
│   ├── ActiveKeyExists      active_key_exists
│   ├── NoActiveKey          no_active_key
│   ├── KeyNotActive         key_not_active
│   └── SignatureRejected    signature_rejected
└── DataSealInvalid          data_seal_invalid

Longer than other files, and whole on purpose: `error_of` finds a class by its code over a socket,
so the codes of all leaves stand together.
"""

from typing import ClassVar


class KeysError(Exception):
    """Root of everything this package raises."""

    code: ClassVar[str] = "keys_error"


class StoreError(KeysError):
    """The key store as a whole cannot be used as asked."""

    code = "store_error"


class StoreUriInvalid(StoreError):
    """The URI names no known kind of store."""

    code = "store_uri_invalid"


class StoreUnavailable(StoreError):
    """The medium failed: disk full, no access, not a directory."""

    code = "store_unavailable"


class PassphraseWrong(StoreError):
    """The passphrase does not open this store."""

    code = "passphrase_wrong"


class KekSourceInvalid(StoreError):
    """The file, variable or store that should give the key-encryption key does not."""

    code = "kek_source_invalid"


class Pkcs11Missing(StoreError):
    """The library for PKCS#11 tokens is not installed: `pip install certsvc[hsm]`."""

    code = "pkcs11_missing"


class TokenUnknown(StoreError):
    """No token of the module fits the URI, or the module does not load."""

    code = "token_unknown"


class TokenAmbiguous(StoreError):
    """Two tokens of the module fit the URI."""

    code = "token_ambiguous"


class TokenChanged(StoreError):
    """Another token stands where the first one stood: it was initialised anew, or exchanged."""

    code = "token_changed"


class TokenFull(StoreError):
    """The token has no room for another object."""

    code = "token_full"


class PinSourceInvalid(StoreError):
    """The file or variable that should hold the PIN is missing, empty or not ours alone."""

    code = "pin_source_invalid"


class PinWrong(StoreError):
    """The token refused the PIN; it is not tried again."""

    code = "pin_wrong"


class PinLocked(StoreError):
    """The PIN is locked, or its last try is left to a person."""

    code = "pin_locked"


class StoreBusy(StoreError):
    """Somebody else changed the store at the same time; nothing was done."""

    code = "store_busy"


class StoreReadOnly(StoreError):
    """Keys are made and changed at the store itself, not through the signer process."""

    code = "store_read_only"


class UseForbidden(StoreError):
    """The signer process does not serve this user with this key."""

    code = "use_forbidden"


class NameInvalid(StoreError):
    """An issuer id, key id, purpose, role, type or data key name has a forbidden form."""

    code = "name_invalid"


class KeyFileError(KeysError):
    """A file of the store is not as it was written."""

    code = "key_file_error"


class FileMalformed(KeyFileError):
    """The file is not a key file of a known version."""

    code = "key_file_malformed"


class FileTampered(KeyFileError):
    """The file was changed by something that does not hold the passphrase."""

    code = "key_file_tampered"


class FileMisplaced(KeyFileError):
    """The file belongs to another key id or issuer than its path says."""

    code = "key_file_misplaced"


class PermissionsLoose(KeyFileError):
    """Group or others have rights on the file or its directory."""

    code = "permissions_loose"


class SymlinkRefused(KeyFileError):
    """A symbolic link, or something that is neither file nor directory, stands in the way."""

    code = "symlink_refused"


class ForeignOwner(KeyFileError):
    """The file or its directory belongs to another user."""

    code = "foreign_owner"


class KeyUseError(KeysError):
    """The store is sound; the request is not allowed."""

    code = "key_use_error"


class AlgorithmUnsupported(KeyUseError):
    """The algorithm is not in the closed registry, or this machine does not offer it."""

    code = "algorithm_unsupported"


class SoftwareSm2Refused(KeyUseError):
    """SM2 keys belong into certified hardware; the operator has not allowed one in software."""

    code = "software_sm2_refused"


class KeyUnknown(KeyUseError):
    """There is no such key."""

    code = "key_unknown"


class KeyClash(KeyUseError):
    """A key with this id exists already at this issuer."""

    code = "key_clash"


class TransitionForbidden(KeyUseError):
    """The life cycle has no such step."""

    code = "transition_forbidden"


class CompromiseTimeInvalid(KeyUseError):
    """A key is compromised since its making at the earliest and since now at the latest."""

    code = "compromise_time_invalid"


class CompromiseLoosened(KeyUseError):
    """A key once cut off from some log index is never accepted beyond it again."""

    code = "compromise_loosened"


class StepOutdated(KeyUseError):
    """The key is no longer as the plan found it; plan anew."""

    code = "step_outdated"


class PolicyInvalid(KeyUseError):
    """Limits of rotation that leave no time for a successor, or are not limits."""

    code = "policy_invalid"


class ActiveKeyExists(KeyUseError):
    """Another key of the same issuer, purpose, types and role is active."""

    code = "active_key_exists"


class NoActiveKey(KeyUseError):
    """No active key serves this issuer, purpose, type and role."""

    code = "no_active_key"


class KeyNotActive(KeyUseError):
    """Only an active key signs."""

    code = "key_not_active"


class SignatureRejected(KeyUseError):
    """A fresh signature failed its own verification and was not released."""

    code = "signature_rejected"


class DataSealInvalid(KeysError):
    """Sealed data was altered, or belongs to another place or key."""

    code = "data_seal_invalid"


def error_of(code: str, text: str) -> KeysError:
    """The error that another process has named by its code.

    Args:
        code: of a class of this module; an unknown one is `StoreUnavailable`.
        text: its message.
    """
    waiting: list[type[KeysError]] = [KeysError]
    while waiting:
        kind = waiting.pop()
        if kind.code == code:
            return kind(text)
        waiting += kind.__subclasses__()
    return StoreUnavailable(f"{code[:64]}: {text}")
