"""PAdES signatures on faces, judged by pyHanko and by OpenSSL."""

import io
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pypdf
import pytest
from asn1crypto import pem, x509
from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.tsp import TimeStampReq
from cryptography import x509 as crypto_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from certsvc.printing.errors import SignatureUnavailable
from certsvc.printing.signing import Pades
from certsvc.service.principal import operator
from certsvc_sdk.x509.chain import read_x5c
from keys.errors import StoreUnavailable


def _now() -> int:
    return time.time_ns() // 10**9


def _root(world: Any) -> bytes:
    data: bytes = (world.settings.home / "ca" / "root" / "authority.cer").read_bytes()
    return data


@pytest.fixture(scope="module")
def signed(world: Any) -> bytes:
    desk = world.desk(signing=Pades(world.keys))
    order = desk.order(world.principal, world.licences[0], "zh")
    assert order.signs
    data: bytes = desk.print(world.principal, order)
    return data


def _status(pdf: bytes, root: bytes) -> Any:
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    return validate_pdf_signature(
        signature,
        ValidationContext(trust_roots=[x509.Certificate.load(root)]),
        key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"}),
    )


def test_pyhanko_judges_it_valid(world: Any, signed: bytes) -> None:
    status = _status(signed, _root(world))
    assert status.bottom_line
    assert status.coverage.name == "ENTIRE_FILE"
    subject = status.signing_cert.subject.native
    assert subject["organization_name"] == world.service.exports.record(world.principal).names["zh"]
    (signature,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    names = {one["type"].native for one in signature.signer_info["signed_attrs"]}
    # B-B: EN 319 142-1, 6.3; the time stands in the PDF and not in the CMS.
    assert names == {"content_type", "message_digest", "signing_certificate_v2"} or names == {
        "content_type", "message_digest", "signing_certificate_v2", "cms_algorithm_protection",
    }  # fmt: skip


def test_openssl_verifies_it(world: Any, signed: bytes, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (signature,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    first, length, second, rest = (int(one) for one in signature.byte_range)
    (tmp_path / "content").write_bytes(
        signed[first : first + length] + signed[second : second + rest]
    )
    (tmp_path / "cms.der").write_bytes(signature.pkcs7_content)
    root = x509.Certificate.load(_root(world)).dump()
    (tmp_path / "root.pem").write_bytes(pem.armor("CERTIFICATE", root))
    command = [
        *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms.der"),
        *("-content", "content", "-CAfile", "root.pem", "-purpose", "any", "-out", "out"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "content").write_bytes(b"x")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_the_face_itself_is_untouched(world: Any, signed: bytes) -> None:
    desk = world.desk()
    plain = desk.print(world.principal, desk.order(world.principal, world.licences[0], "zh"))
    assert signed.startswith(plain)
    read = pypdf.PdfReader(io.BytesIO(signed))
    assert read.attachments["certificate.jwt"] == [world.licences[0].token.encode()]
    xmp = read.root_object["/Metadata"].get_object().get_data()
    assert b"pdfaid:part" in xmp
    assert "/AF" in read.root_object
    (field,) = read.root_object["/AcroForm"]["/Fields"]
    # PDF/A: printed, not hidden (ISO 19005-3, 6.3.2).
    assert field.get_object()["/F"] & 0b111 == 0b100


@pytest.mark.parametrize("place", [0.1, 0.5, 0.8])
def test_a_changed_byte_shows(world: Any, signed: bytes, place: float) -> None:
    (signature,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    covered = int(signature.byte_range[1])
    at = int(covered * place)
    changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
    # A PDF that no longer opens shows as well.
    with suppress(PdfError, SignatureValidationError):
        assert not _status(changed, _root(world)).bottom_line


def test_an_appended_change_shows(world: Any, signed: bytes) -> None:
    writer = pypdf.PdfWriter(io.BytesIO(signed), incremental=True)
    writer.add_blank_page()
    out = io.BytesIO()
    writer.write(out)
    assert not _status(out.getvalue(), _root(world)).bottom_line


def test_two_signatures_are_one_face(world: Any) -> None:
    desk = world.desk(signing=Pades(world.keys))
    orders = [desk.order(world.principal, world.licences[0], "zh") for _ in range(2)]
    assert orders[0].tag == orders[1].tag


def test_a_document_of_several_faces_is_not_signed(world: Any) -> None:
    desk = world.desk(signing=Pades(world.keys))
    assert not desk.order(world.principal, world.licences[0], "zh", plain=True).signs


def test_no_certificate_no_signature(world: Any) -> None:
    record = world.service.exports.record(world.principal)
    bare = replace(record, keys=tuple(replace(one, x5c=None) for one in record.keys))
    with pytest.raises(SignatureUnavailable, match="certsvc ca issue"):
        Pades(world.keys).signed(
            b"%PDF", bare, issuer_id=record.uscc, type_name="business-licence", at=_now()
        )


def test_a_certificate_that_is_over_signs_nothing(world: Any) -> None:
    record = world.service.exports.record(world.principal)
    with pytest.raises(SignatureUnavailable, match="not good now"):
        Pades(world.keys).signed(
            b"%PDF", record, issuer_id=record.uscc, type_name="business-licence", at=4 * 10**9
        )


def test_what_is_no_pdf_is_not_signed(world: Any) -> None:
    record = world.service.exports.record(world.principal)
    with pytest.raises(SignatureUnavailable):
        Pades(world.keys).signed(
            b"no PDF", record, issuer_id=record.uscc, type_name="business-licence", at=_now()
        )


class _Away:
    def active(self, *_: object, **__: object) -> Any:
        raise StoreUnavailable("the token is out")


def test_custody_that_is_away(world: Any) -> None:
    record = world.service.exports.record(world.principal)
    with pytest.raises(SignatureUnavailable, match="store_unavailable"):
        Pades(_Away()).signed(  # type: ignore[arg-type]
            b"%PDF", record, issuer_id=record.uscc, type_name="business-licence", at=_now()
        )


def test_the_key_is_the_one_of_the_record(world: Any, signed: bytes) -> None:
    record = world.service.exports.record(operator(world.principal.issuer_id))
    (signature,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
    chains = [read_x5c(one.x5c) for one in record.keys if one.x5c]
    assert signature.signer_cert.dump() in {chain[0] for chain in chains}


def test_a_time_stamp_makes_it_b_t(world: Any) -> None:
    authority = _stamping_authority()
    address, server, thread = _serve(authority)
    try:
        desk = world.desk(signing=Pades(world.keys, tsa_url=address))
        pdf = desk.print(world.principal, desk.order(world.principal, world.licences[0], "zh"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    status = _status(pdf, _root(world))
    assert status.intact
    assert status.timestamp_validity.intact
    # The service is gone: no PDF without the stamp that is to be there.
    with pytest.raises(SignatureUnavailable):
        desk.print(world.principal, desk.order(world.principal, world.licences[0], "zh"))


def _stamping_authority() -> Any:
    key = rsa.generate_private_key(65537, 2048)
    name = crypto_x509.Name([crypto_x509.NameAttribute(NameOID.COMMON_NAME, "TSA")])
    moment = datetime.fromtimestamp(_now(), UTC)
    made = (
        crypto_x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=1))
        .add_extension(
            crypto_x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return DummyTimeStamper(
        tsa_cert=x509.Certificate.load(made.public_bytes(Encoding.DER)),
        tsa_key=PrivateKeyInfo.load(secret),
    )


def _serve(authority: Any) -> tuple[str, ThreadingHTTPServer, threading.Thread]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            answer = authority.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    return f"http://127.0.0.1:{server.server_port}/", server, thread
