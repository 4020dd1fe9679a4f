"""The container: a zip file in one canonical form, written by the library and read by comparison.

Members are stored and never compressed, without times, comments or extra fields, and the file is
accepted only if writing its members again gives the very same bytes. So there is nothing to
inflate, no second reading of a name, and nothing between or behind the members.
"""

import io
import re
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

from certsvc_sdk.bundle.errors import BundleInvalid

#: 2,000 issuers with their lists take 12 MB.
MAX_BUNDLE: Final = 128 * 1024 * 1024
#: An issuer has a record, some lists and a share of a role.
MAX_MEMBERS: Final = 50_000
#: A path of the published tree.
MAX_NAME: Final = 400

# Segments begin with no dot: no way up, no hidden file; no backslash, colon or drive.
_SEGMENT: Final = r"[A-Za-z0-9_~%-][A-Za-z0-9._~%-]*"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
# PKZIP appnote 4.3.16: end of central directory; 4.3.15: locator of its 64-bit sister.
_END = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_LOCATOR_MARK: Final = b"PK\x06\x07"
_LOCATOR_BYTES: Final = 20
_ENTRY_BYTES: Final = 46
# The first time a zip file can name.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_MODE: Final = 0o100644 << 16


def is_name(name: str) -> bool:
    """Tell whether a member may bear a name."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return the file of some members, in their order.

    Raises:
        BundleInvalid: a name no member may bear, too many members, or too long a file.
    """
    if len(members) > MAX_MEMBERS or not all(map(is_name, members)):
        raise BundleInvalid("a bundle cannot hold so many parts, or parts of such names")
    if sum(map(len, members.values())) > MAX_BUNDLE:
        raise BundleInvalid(f"a bundle is no longer than {MAX_BUNDLE} bytes")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, data)
    if out.tell() > MAX_BUNDLE:
        raise BundleInvalid(f"a bundle is no longer than {MAX_BUNDLE} bytes")
    return out.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the members of a file, in their order.

    Raises:
        BundleInvalid: it is not what `pack` writes.
    """
    _check_end(data)
    try:
        members = _read(data)
    except BundleInvalid:
        raise
    except (
        zipfile.BadZipFile, ValueError, LookupError, EOFError, NotImplementedError, RuntimeError,
        OverflowError, struct.error, OSError,
    ) as error:  # fmt: skip
        raise BundleInvalid("the file is no readable bundle") from error
    if pack(members) != data:
        raise BundleInvalid("the file is not in the form that bundles have")
    return members


def _check_end(data: bytes) -> None:
    """Refuse before anything is read what would cost more memory than the file is long."""
    if len(data) > MAX_BUNDLE:
        raise BundleInvalid(f"a bundle is no longer than {MAX_BUNDLE} bytes")
    if len(data) < _END.size:
        raise BundleInvalid("the file is no bundle")
    mark, *_, entries, size, offset, comment = _END.unpack(data[-_END.size :])
    before = data[-_END.size - _LOCATOR_BYTES : -_END.size]
    if mark != _END_MARK or comment or before.startswith(_LOCATOR_MARK):
        raise BundleInvalid("the file is no bundle")
    if entries > MAX_MEMBERS or size > entries * (_ENTRY_BYTES + MAX_NAME):
        raise BundleInvalid("the file has too many members, or too long names")
    if offset + size + _END.size != len(data):
        raise BundleInvalid("the file does not end where it says")


def _read(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = archive.infolist()
        if any(one.compress_type != zipfile.ZIP_STORED for one in found):
            raise BundleInvalid("a member is compressed")
        # Members that lie over one another would be read as often as they are named.
        if sum(one.file_size for one in found) > len(data):
            raise BundleInvalid("the members are longer than the file")
        if not all(is_name(one.filename) for one in found):
            raise BundleInvalid("a member has a name that none may bear")
        if len({one.filename for one in found}) != len(found):
            raise BundleInvalid("two members have one name")
        return {one.filename: archive.read(one) for one in found}
