"""Pitfalls of encoding, algorithms and size, one at a time: a good chain with one defect.

OpenSSL is asked about the same files. What it refuses must be refused here; where this profile is
narrower than RFC 5280 the row says so.
"""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certsvc_sdk.errors import ChainInvalid
from certsvc_sdk.x509 import validate_chain

Change = Callable[[Any, Any], None]
ROWS: list[Any] = []


def pitfall(code: str, *, openssl: bool = True) -> Callable[[Change], Change]:
    """A defect, the code it is refused with, and whether OpenSSL refuses it as well."""

    def keep(change: Change) -> Change:
        ROWS.append(pytest.param(change, code, openssl, id=change.__name__))
        return change

    return keep


@pitfall("chain_malformed", openssl=False)
def rsa_key(world: Any, t: Any) -> None:
    world.leaf.key = rsa.generate_private_key(65537, 1024)  # noqa: S505


@pitfall("chain_malformed", openssl=False)
def other_curve(world: Any, t: Any) -> None:
    world.leaf.key = ec.generate_private_key(ec.SECP384R1())


@pitfall("chain_malformed", openssl=False)
def edwards_key(world: Any, t: Any) -> None:
    world.leaf.key = ed25519.Ed25519PrivateKey.generate()


@pitfall("chain_malformed", openssl=False)
def authority_on_another_curve(world: Any, t: Any) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    world.middle.key = world.leaf.signer = world.lists["middle"].signer = key
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    world.middle.put(identifier)
    world.leaf.put(x509.AuthorityKeyIdentifier(identifier.digest, None, None))


SHA1 = bytes.fromhex("2a8648ce3d0401")
MD5_RSA = bytes.fromhex("2a864886f70d010104")


def _algorithm(data: bytes, oid: bytes, t: Any) -> bytes:
    nodes = t.read_der(data)
    nodes[0][1][0][1][2] = nodes[0][1][1] = (0x30, [(0x06, oid)])
    return bytes(t.write_der(nodes))


@pitfall("chain_malformed")
def signed_with_sha1(world: Any, t: Any) -> None:
    world.chain = [_algorithm(world.leaf.make(), SHA1, t), world.middle.make()]


@pitfall("chain_malformed")
def signed_with_md5(world: Any, t: Any) -> None:
    world.chain = [_algorithm(world.leaf.make(), MD5_RSA, t), world.middle.make()]


@pitfall("chain_malformed")
def inner_and_outer_algorithm_differ(world: Any, t: Any) -> None:
    world.leaf.bend = lambda tbs: tbs.__setitem__(2, (0x30, [(0x06, SHA1)]))


def _serial(content: str) -> Change:
    return lambda world, t: setattr(
        world.leaf, "bend", lambda tbs: tbs.__setitem__(1, (0x02, bytes.fromhex(content)))
    )


ROWS += [
    pytest.param(_serial("ff"), "chain_malformed", False, id="serial_negative"),
    pytest.param(_serial("00"), "chain_malformed", False, id="serial_zero"),
    pytest.param(_serial("7f" * 21), "chain_malformed", False, id="serial_too_long"),
    pytest.param(_serial("0001"), "chain_malformed", True, id="serial_not_minimal"),
    pytest.param(_serial(""), "chain_malformed", True, id="serial_empty"),
]


@pitfall("chain_malformed")
def duplicate_extension(world: Any, t: Any) -> None:
    def bend(tbs: list[Any]) -> None:
        extensions = tbs[-1][1][0][1]
        extensions.append(extensions[2])

    world.leaf.bend = bend


@pitfall("chain_malformed")
def version_1_with_extensions(world: Any, t: Any) -> None:
    world.middle.bend = lambda tbs: tbs.pop(0)


@pitfall("chain_malformed", openssl=False)
def unique_identifiers(world: Any, t: Any) -> None:
    world.leaf.bend = lambda tbs: tbs.insert(7, (0x81, b"\0\1"))


@pitfall("chain_malformed", openssl=False)  # the command reads PEM and drops what follows
def bytes_behind_the_certificate(world: Any, t: Any) -> None:
    world.chain = [world.leaf.make() + b"\0", world.middle.make()]


@pitfall("chain_malformed", openssl=False)
def length_not_minimal(world: Any, t: Any) -> None:
    data = world.leaf.make()
    assert data[:2] == b"\x30\x82"
    world.chain = [b"\x30\x83\0" + data[2:], world.middle.make()]


@pitfall("chain_malformed", openssl=False)
def indefinite_length(world: Any, t: Any) -> None:
    data = world.leaf.make()
    world.chain = [b"\x30\x80" + data[4:] + b"\0\0", world.middle.make()]


@pitfall("chain_malformed", openssl=False)
def boolean_not_canonical(world: Any, t: Any) -> None:
    def bend(tbs: list[Any]) -> None:
        for extension in tbs[-1][1][0][1]:
            for place, node in enumerate(extension[1]):
                if node[0] == 0x01:
                    extension[1][place] = (0x01, b"\1")

    world.leaf.bend = bend


@pitfall("chain_malformed", openssl=False)
def default_written_out(world: Any, t: Any) -> None:
    def bend(tbs: list[Any]) -> None:
        for extension in tbs[-1][1][0][1]:
            if extension[1][1][0] == 0x04:
                extension[1].insert(1, (0x01, b"\0"))

    world.leaf.bend = bend


@pitfall("chain_malformed")
def constraint_with_a_minimum(world: Any, t: Any) -> None:
    def bend(tbs: list[Any]) -> None:
        for extension in tbs[-1][1][0][1]:
            if extension[1][0][1] == bytes.fromhex("551d1e"):
                tree = t.read_der(extension[1][-1][1])
                tree[0][1][0][1][0][1].append((0x80, b"\1"))
                extension[1][-1] = (0x04, t.write_der(tree))

    world.middle.bend = bend


@pitfall("chain_malformed", openssl=False)
def more_certificates_than_the_limit(world: Any, t: Any) -> None:
    world.chain = [world.leaf.make(), *[world.middle.make()] * 4]


@pitfall("chain_malformed", openssl=False)
def huge_certificate(world: Any, t: Any) -> None:
    oid = x509.ObjectIdentifier("1.2.3.4.5")
    world.leaf.put(x509.UnrecognizedExtension(oid, b"\x04\x82\x20\0" + bytes(8192)))


@pitfall("chain_malformed", openssl=False)
def too_many_anchors(world: Any, t: Any) -> None:
    world.anchors = [world.root.make()] * 33


@pitfall("chain_malformed", openssl=False)
def too_many_lists(world: Any, t: Any) -> None:
    world.crls = [one.make() for one in world.lists.values()] * 9


@pytest.mark.parametrize(("change", "code", "openssl_too"), ROWS)
def test_a_pitfall_is_refused(
    world: Any, tools: Any, openssl: Any, change: Change, code: str, openssl_too: bool
) -> None:
    change(world, tools)
    with pytest.raises(ChainInvalid) as caught:
        validate_chain(**world.arguments())
    assert caught.value.code == code, str(caught.value)
    good, said = openssl(world)
    assert good is not openssl_too, said
