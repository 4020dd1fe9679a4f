"""Images: each code its own verdict, never merged, never chosen silently (T72)."""

from pathlib import Path
from typing import Any

import pytest

from certsvc_sdk.errors import FileTooLarge, FileUnsupported


def test_each_code_of_a_file_has_its_own_verdict(
    verifier_of: Any, server: Any, issuer: Any, tmp_path: Path
) -> None:
    pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    qrcode = pytest.importorskip("qrcode")
    token = issuer.token()
    texts = [issuer.qr_text(token), "https://example.com/", token.split("~")[0][:60], "1" * 70]
    page = image.new("L", (1000, 4000), 255)
    for row, text in enumerate(texts):
        maker = qrcode.QRCode(box_size=6)
        maker.add_data(text)
        page.paste(maker.make_image().get_image(), (20, 20 + row * 900))
    page.save(tmp_path / "page.png")
    findings = verifier_of(url=server.url).check_file(tmp_path / "page.png")
    assert [finding.verdict.code for finding in findings] == [
        "valid",
        "not_a_certificate",
        "not_a_certificate",
        "unreadable",
    ]
    assert [finding.text_kind for finding in findings] == ["url", "url", "other", "digits"]
    assert findings[0].page is None
    assert findings[1].position[1] > findings[0].position[1]
    with pytest.raises(FileUnsupported):
        verifier_of(url=server.url).check_file(tmp_path / "gone.png")


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "", "x" * 5000])
def test_an_impossible_file_name_is_told_in_our_own_words(name: str, verifier_of: Any) -> None:
    pytest.importorskip("zxingcpp")
    with pytest.raises(FileUnsupported):
        verifier_of(offline=True).check_file(name)


def test_a_file_without_end_is_not_read_to_its_end(verifier_of: Any) -> None:
    pytest.importorskip("zxingcpp")
    with pytest.raises(FileTooLarge):
        verifier_of(offline=True).check_file(Path("/dev/zero"))
