# ruff: noqa: N818 — names say what is wrong; the stable codes repeat them
"""What can go wrong in custody.

KeysError
├── StoreError
│   ├── StoreUriInvalid      store_uri_invalid
│   ├── StoreUnavailable     store_unavailable
│   ├── PassphraseWrong      passphrase_wrong
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
│   ├── ActiveKeyExists      active_key_exists
│   ├── NoActiveKey          no_active_key
│   ├── KeyNotActive         key_not_active
│   └── SignatureRejected    signature_rejected
└── DataSealInvalid          data_seal_invalid
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
