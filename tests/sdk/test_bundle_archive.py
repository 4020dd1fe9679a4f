"""The bundle's container: one canonical form, and hostile archives cost nothing."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc_sdk.bundle import BundleInvalid, read
from certsvc_sdk.bundle import archive as archives
from certsvc_sdk.bundle.archive import MAX_MEMBERS, is_name, pack, unpack
from certsvc_sdk.bundle.manifest import MANIFEST, Manifest, Part, read_manifest
from certsvc_sdk.bundle.offices import Offices

MEMBERS = {"manifest.json": b"{}", "trust/metadata/1.root.json": b"root", "status/a.jwt": b""}
EPOCH = (1980, 1, 1, 0, 0, 0)


def test_what_is_packed_is_unpacked() -> None:
    data = pack(MEMBERS)
    assert unpack(data) == MEMBERS
    assert list(unpack(data)) == list(MEMBERS)
    assert pack(MEMBERS) == data
    assert unpack(pack({})) == {}


NAMES = st.text("abAB09._~%-/\\: \0é", max_size=12)


@given(st.dictionaries(NAMES.filter(is_name), st.binary(max_size=40), max_size=5))
def test_any_members(members: dict[str, bytes]) -> None:
    assert unpack(pack(members)) == members


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".a", "a/.b", "a\\b", "C:a", "a b", "é",
     "a\0b", "a\n", "a" * 401],
)  # fmt: skip
def test_a_name_that_none_may_bear(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(BundleInvalid):
        pack({name: b""})
    if name and "\0" not in name:
        with pytest.raises(BundleInvalid):
            unpack(foreign((name, b"x")))


def test_each_flipped_byte_and_each_cut_is_found() -> None:
    data = pack(MEMBERS)
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 0x21]) + data[place + 1 :]
        try:
            found = unpack(changed)
        except BundleInvalid:
            continue
        # A name without a checksum may be another name; the manifest lists it.
        assert found != MEMBERS
        assert pack(found) == changed
    for end in range(len(data)):
        with pytest.raises(BundleInvalid):
            unpack(data[:end])


def foreign(
    *members: tuple[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda info: None
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            change(info)
            archive.writestr(info, data)
    return out.getvalue()


def test_the_foreign_writer_differs_in_nothing_else() -> None:
    assert foreign(*MEMBERS.items()) == pack(MEMBERS)


def _compressed(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_DEFLATED


def _dated(info: zipfile.ZipInfo) -> None:
    info.date_time = (2027, 1, 1, 0, 0, 0)


def _commented(info: zipfile.ZipInfo) -> None:
    info.comment = b"x"


def _extra(info: zipfile.ZipInfo) -> None:
    info.extra = b"\x99\x99\x00\x00"


def _link(info: zipfile.ZipInfo) -> None:
    info.external_attr = 0o120777 << 16


def _windows(info: zipfile.ZipInfo) -> None:
    info.create_system = 0


@pytest.mark.parametrize("change", [_compressed, _dated, _commented, _extra, _link, _windows])
def test_another_spelling_is_refused(change: Callable[[zipfile.ZipInfo], None]) -> None:
    with pytest.raises(BundleInvalid):
        unpack(foreign(("a", b"x" * 100), change=change))


def test_two_members_of_one_name() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = foreign(("a", b"1"), ("a", b"2"))
    with pytest.raises(BundleInvalid, match="one name"):
        unpack(data)


@pytest.mark.parametrize("place", ["before", "after", "between", "comment"])
def test_bytes_that_belong_to_no_member(place: str) -> None:
    data = pack(MEMBERS)
    start = data.index(b"PK\x01\x02")
    end = struct.unpack("<4s4H2LH", data[-22:])
    moved = struct.pack("<4s4H2LH", *end[:6], end[6] + 3, end[7])
    hidden = {
        "before": b"abc" + data,
        "after": data + b"abc",
        "between": data[:start] + b"abc" + data[start:-22] + moved,
        "comment": data[:-2] + b"\x03\x00abc",
    }[place]
    with pytest.raises(BundleInvalid):
        unpack(hidden)


def peak(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(BundleInvalid):
            action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_is_not_inflated() -> None:
    data = foreign(("a", bytes(50_000_000)), change=_compressed)
    assert len(data) < 60_000
    assert peak(lambda: unpack(data)) < 1_000_000


def test_a_million_members_are_not_looked_at() -> None:
    entry = b"PK\x01\x02" + bytes(42)
    count = 1_000_000
    directory = entry * count
    for entries in (0xFFFF, MAX_MEMBERS, 1):
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), 0, 0)
        data = directory + end
        assert peak(lambda data=data: unpack(data)) < 100_000  # type: ignore[misc]
    # As a 64-bit archive that says so where the ordinary end does not.
    far = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), 0
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    with pytest.raises(BundleInvalid):
        unpack(directory + far + locator + end)


def test_members_that_lie_over_one_another() -> None:
    big = foreign(("a0000", bytes(1_000_000)))
    start = big.index(b"PK\x01\x02")
    entry = big[start:-22]
    names = [b"a%04d" % number for number in range(400)]
    directory = b"".join(entry.replace(b"a0000", name) for name in names)
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names), len(directory), start, 0
    )
    data = big[:start] + directory + end
    assert peak(lambda: unpack(data)) < 3_000_000


def test_a_file_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pack(MEMBERS)
    monkeypatch.setattr(archives, "MAX_BUNDLE", len(data) - 1)
    for action in (lambda: pack(MEMBERS), lambda: unpack(data)):
        with pytest.raises(BundleInvalid, match="no longer than"):
            action()
    monkeypatch.setattr(archives, "MAX_BUNDLE", 3)
    with pytest.raises(BundleInvalid, match="no longer than"):
        pack(MEMBERS)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    with pytest.raises(BundleInvalid, match="so many"):
        pack(MEMBERS)


@pytest.mark.parametrize("data", [b"", b"PK", bytes(22), b"\x00" * 5000, b"{}" * 40], ids=str)
def test_what_is_no_archive(data: bytes) -> None:
    with pytest.raises(BundleInvalid):
        read(data)


def manifest(**parts: bytes) -> Manifest:
    listed = {name: Part.of(data) for name, data in parts.items()}
    return Manifest(made_at=5, trust_verified_at=4, parts=listed)


def test_a_bundle_is_what_its_manifest_lists() -> None:
    good = manifest(a=b"1", b=b"2").to_bytes()
    found = read(pack({MANIFEST: good, "a": b"1", "b": b"2"}))
    assert (found.manifest.made_at, found.is_signed, found.parts) == (
        5,
        False,
        {"a": b"1", "b": b"2"},
    )
    for members in (
        {"a": b"1", "b": b"2"},
        {MANIFEST: good, "a": b"1"},
        {MANIFEST: good, "b": b"2", "a": b"1"},
        {MANIFEST: good, "a": b"1", "b": b"2", "c": b"3"},
        {MANIFEST: good, "a": b"1", "b": b"3"},
        {MANIFEST: good, "a": b"1", "b": b"22"},
    ):
        with pytest.raises(BundleInvalid):
            read(pack(members))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":2'),
        (b'"version":1', b'"version":true'),
        (b'"made_at":5', b'"made_at":-1'),
        (b'"made_at":5', b'"made_at":"5"'),
        (b'"made_at":5', b'"made_at":5,"x":1'),
        (b'"parts":{', b'"parts":[{'),
        (b'"size":1', b'"size":1,"uri":2'),
        (b'"size":1', b'"size":1,"path":"a"'),
        (b'"size":1,', b""),
        (b'{"version"', b'{"version":1,"version"'),
    ],
)
def test_a_manifest_that_breaks_its_form(old: bytes, new: bytes) -> None:
    good = manifest(a=b"1").to_bytes()
    assert read_manifest(good) == manifest(a=b"1")
    changed = good.replace(old, new, 1)
    assert changed != good
    with pytest.raises(BundleInvalid):
        read_manifest(changed)


def test_a_manifest_of_many_parts() -> None:
    many = manifest(**{f"a{number}": b"" for number in range(20_000)})
    assert read_manifest(many.to_bytes()) == many


def test_no_office_has_an_address_beside_its_prefix() -> None:
    offices = Offices(())
    for uri in ("", "/", "//", "https://certs.example/status/1/2", "x" * 3000):
        assert offices.of(uri) is None
