"""A small world of authorities whose certificates can be given one defect each."""

import base64
import copy
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.x509 import Expected
from certsvc_sdk.x509.names import area_name
from certsvc_sdk.x509.signing import jwk_of

NOW = 1_800_000_000
DAY = 86_400
HOST = "certs.example"
USCC = "11330106MB2F1234X5"
ISS = f"https://{HOST}/i/{USCC}"
DOCUMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
Key = ec.EllipticCurvePrivateKey


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def usage(*flags: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{flag: flag in flags for flag in every.split()})


SUBJECTS = {
    "root": name((NameOID.COUNTRY_NAME, "CN"), (NameOID.ORGANIZATION_NAME, "根")),
    "middle": name(
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.STATE_OR_PROVINCE_NAME, "33"),
        (NameOID.ORGANIZATION_NAME, "省"),
    ),
    "leaf": name(
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.STATE_OR_PROVINCE_NAME, "33"),
        (NameOID.LOCALITY_NAME, "3301"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "330106"),
        (NameOID.ORGANIZATION_NAME, "示例局"),
        (NameOID.ORGANIZATION_IDENTIFIER, f"NTRCN-{USCC}"),
    ),
}


@dataclass
class Plan:
    """A certificate to be made; tests change members before it is."""

    subject: x509.Name
    issuer: x509.Name
    key: Any
    signer: Key
    serial: int
    start: int = NOW - 100 * DAY
    end: int = NOW + 100 * DAY
    extensions: dict[str, tuple[x509.ExtensionType, bool]] = field(default_factory=dict)
    # Changes the nodes of the TBSCertificate before it is signed.
    bend: Callable[[list[Any]], None] | None = None

    def put(self, value: x509.ExtensionType, *, critical: bool = False) -> None:
        self.extensions[type(value).__name__ + value.oid.dotted_string] = (value, critical)

    def drop(self, kind: type[x509.ExtensionType]) -> None:
        self.extensions = {k: v for k, v in self.extensions.items() if not isinstance(v[0], kind)}

    def make(self) -> bytes:
        builder = x509.CertificateBuilder().subject_name(self.subject).issuer_name(self.issuer)
        builder = builder.public_key(self.key.public_key()).serial_number(self.serial)
        builder = builder.not_valid_before(moment(self.start)).not_valid_after(moment(self.end))
        for value, critical in self.extensions.values():
            builder = builder.add_extension(value, critical)
        data = builder.sign(self.signer, SHA256()).public_bytes(Encoding.DER)
        if self.bend is None:
            return data
        whole = read_der(data)
        tbs = whole[0][1]
        self.bend(tbs[0][1])
        signed = self.signer.sign(write_der(tbs[:1]), ec.ECDSA(SHA256()))
        tbs[2] = (0x03, b"\0" + signed)
        return write_der(whole)


@dataclass
class Crl:
    """A list to be made."""

    issuer: x509.Name
    signer: Key
    number: int | None = 7
    start: int = NOW - DAY
    end: int = NOW + 6 * DAY
    entries: list[x509.RevokedCertificate] = field(default_factory=list)
    extensions: list[tuple[x509.ExtensionType, bool]] = field(default_factory=list)
    key_id: bytes | None = None

    def revoke(
        self, serial: int, at: int, reason: str | None = None, since: int | None = None
    ) -> None:
        builder = x509.RevokedCertificateBuilder().serial_number(serial)
        builder = builder.revocation_date(moment(at))
        if reason is not None:
            builder = builder.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), False)
        if since is not None:
            builder = builder.add_extension(x509.InvalidityDate(moment(since)), False)
        self.entries.append(builder.build())

    def make(self) -> bytes:
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.issuer)
        builder = builder.last_update(moment(self.start)).next_update(moment(self.end))
        key_id = (
            self.key_id
            or x509.SubjectKeyIdentifier.from_public_key(self.signer.public_key()).digest
        )
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(key_id, None, None), False)
        if self.number is not None:
            builder = builder.add_extension(x509.CRLNumber(self.number), False)
        for value, critical in self.extensions:
            builder = builder.add_extension(value, critical)
        for entry in self.entries:
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.signer, SHA256()).public_bytes(Encoding.DER)


class World:
    """A root, an authority for province 33, and an office of division 330106."""

    def __init__(self, keys: dict[str, Key]) -> None:
        self.keys = keys
        self.at, self.now, self.at_is_proven = NOW, NOW, False
        self.root = self.authority("root", "root", depth=1, area="100000")
        self.middle = self.authority("middle", "root", depth=0, area="330000")
        self.leaf = self.plan("leaf", "middle", serial=3)
        self.leaf.put(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        self.leaf.put(usage("digital_signature"), critical=True)
        self.leaf.put(x509.ExtendedKeyUsage([DOCUMENTS]))
        self.leaf.put(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ISS)]))
        self.lists = {which: self.crl(which) for which in ("middle", "root")}
        # What is offered in place of what the plans make, where a test sets it.
        self.chain: list[bytes] | None = None
        self.anchors: list[bytes] | None = None
        self.crls: list[bytes] | None = None

    def plan(self, subject: str, issuer: str, *, serial: int) -> Plan:
        key, signer = self.keys[subject], self.keys[issuer]
        plan = Plan(SUBJECTS[subject], SUBJECTS[issuer], key, signer, serial)
        plan.put(x509.SubjectKeyIdentifier.from_public_key(key.public_key()))
        plan.put(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()))
        return plan

    def authority(self, subject: str, issuer: str, *, depth: int, area: str) -> Plan:
        plan = self.plan(subject, issuer, serial=1 if subject == issuer else 2)
        plan.put(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        plan.put(usage("key_cert_sign", "crl_sign"), critical=True)
        plan.put(limits(area, HOST), critical=True)
        return plan

    def crl(self, which: str) -> Crl:
        return Crl(SUBJECTS[which], self.keys[which])

    def offered(self) -> dict[str, list[bytes]]:
        return {
            "chain": self.chain or [self.leaf.make(), self.middle.make()],
            "anchors": [self.root.make()] if self.anchors is None else self.anchors,
            "crls": [one.make() for one in self.lists.values()] if self.crls is None else self.crls,
        }

    def arguments(self) -> dict[str, Any]:
        public = PublicKey.from_jwk(jwk_of(self.keys["leaf"].public_key()), "ES256")
        return {
            **self.offered(),
            "expected": Expected(public=public, iss=ISS, uscc=USCC),
            "at": self.at,
            "now": self.now,
            "at_is_proven": self.at_is_proven,
        }


def limits(area: str, *hosts: str) -> x509.NameConstraints:
    names = [x509.UniformResourceIdentifier(host) for host in hosts]
    return x509.NameConstraints([x509.DirectoryName(area_name(area)), *names], None)


def read_der(data: bytes) -> list[Any]:
    """DER as nested lists of (tag, content); only constructed types are opened."""
    nodes = []
    while data:
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start])
        body, data = data[start : start + length], data[start + length :]
        nodes.append((tag, read_der(body) if tag & 0x20 else body))
    return nodes


def write_der(nodes: Sequence[tuple[int, Any]]) -> bytes:
    out = b""
    for tag, content in nodes:
        body = content if isinstance(content, bytes) else write_der(content)
        size = len(body).to_bytes((max(1, len(body).bit_length()) + 7) // 8)
        head = size if len(body) < 0x80 else bytes([0x80 | len(size)]) + size
        out += bytes([tag]) + head + body
    return out


@pytest.fixture(scope="session")
def x509_keys() -> dict[str, Key]:
    names = ("root", "middle", "leaf", "other")
    return {one: ec.generate_private_key(ec.SECP256R1()) for one in names}


@pytest.fixture
def world(x509_keys: dict[str, Key]) -> World:
    return World(x509_keys)


@pytest.fixture
def other_world() -> World:
    names = ("root", "middle", "leaf", "other")
    return World({one: ec.generate_private_key(ec.SECP256R1()) for one in names})


@pytest.fixture(scope="session")
def tools() -> Any:
    """The helpers of this file, for test modules."""

    class Tools:
        pass

    for key in ("Plan", "Crl", "World", "limits", "name", "usage", "read_der", "write_der"):
        setattr(Tools, key, staticmethod(globals()[key]))
    Tools.NOW, Tools.DAY, Tools.ISS, Tools.USCC, Tools.HOST = NOW, DAY, ISS, USCC, HOST  # type: ignore[attr-defined]
    Tools.SUBJECTS, Tools.DOCUMENTS = SUBJECTS, DOCUMENTS  # type: ignore[attr-defined]
    Tools.copy = staticmethod(copy.deepcopy)  # type: ignore[attr-defined]
    return Tools


@pytest.fixture(scope="session")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> Callable[[World], tuple[bool, str]]:
    """`openssl verify` on what a world offers."""
    program = shutil.which("openssl")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("openssl is not installed")
        pytest.skip("openssl is not installed")

    def verify(world: World) -> tuple[bool, str]:
        place = tmp_path_factory.mktemp("openssl")
        offered = world.offered()
        files = {
            "leaf": offered["chain"][:1],
            "untrusted": offered["chain"][1:],
            "anchors": offered["anchors"],
            "crls": offered["crls"],
        }
        for label, items in files.items():
            word = "X509 CRL" if label == "crls" else "CERTIFICATE"
            (place / label).write_text("".join(_pem(item, word) for item in items))
        command = [program, "verify", "-x509_strict", "-purpose", "any", "-check_ss_sig"]
        command += ["-attime", str(world.now), "-crl_check_all", "-no-CApath", "-no-CAstore"]
        for option, label in (
            ("CAfile", "anchors"),
            ("untrusted", "untrusted"),
            ("CRLfile", "crls"),
        ):
            if (place / label).stat().st_size:
                command += [f"-{option}", str(place / label)]
        command.append(str(place / "leaf"))
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return done.returncode == 0, done.stdout + done.stderr

    return verify


def _pem(der: bytes, word: str) -> str:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {word}-----\n{body}-----END {word}-----\n"
