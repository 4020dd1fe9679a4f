"""Varied certificates for the faces' tests; run with a folder to see them as PNG and PDF.

`python tests/face/documents/specimens.py FOLDER`
"""

import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image, ImageDraw

from certsvc.catalogue import Catalogue, CertificateType, Label
from certsvc.catalogue.model import read_type_file
from certsvc.face.document import Printed, Typesetter
from certsvc.face.qr import qr_symbol
from certsvc.face.seal import SealImage
from certsvc_sdk import typedcode

SAMPLES = Path(__file__).parents[2] / "samples"
CHECK = "https://verify.example.gov.cn/v"
IDENTIFIER = "1.2.156.3005.2.11100000MB0143028R001.119999000000000198.999900000000000001.001.X"
# Issued at noon of 23 November 2026 in Shanghai.
ISSUED_AT = 1795406400

_CATALOGUE = Catalogue.builtin()
LICENCE = _CATALOGUE.get("business-licence")
HOUSEHOLD = _CATALOGUE.get("household-register")


def records(name: str) -> list[dict[str, Any]]:
    """The fictional registration records of a type, null members left out."""
    lines = (SAMPLES / name).read_text("utf-8").splitlines()
    return [
        {claim: value for claim, value in json.loads(line).items() if value is not None}
        for line in lines
    ]


def printed(kind: CertificateType, claims: dict[str, Any], **more: Any) -> Printed:
    """One certificate with a token and a symbol of the usual size."""
    seed = json.dumps(claims, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    token = f"{hashlib.sha256(seed).hexdigest()}.{'e' * 1500}.{'s' * 86}~"
    digits = "".join(f"{byte % 10}" for byte in hashlib.shake_256(seed).digest(1050))
    return Printed(
        **{
            "kind": kind,
            "claims": claims,
            "identifier": IDENTIFIER,
            "issuer_name": "示例市市场监督管理局" if kind is LICENCE else "示例市公安局",
            "token": token,
            "issued_at": ISSUED_AT,
            "check_url": CHECK,
            "symbol": qr_symbol(f"{CHECK}#", digits),
            "typed_code": typedcode.grouped(typedcode.of(token)),
        }
        | more
    )


def seal() -> SealImage:
    """A stand-in for what a signing service returns: a grey ring, like nobody's seal."""
    image = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 10, 590, 590), outline=(90, 90, 160, 160), width=14)
    draw.text((230, 290), "TEST IMAGE", fill=(90, 90, 160, 200))
    out = io.BytesIO()
    image.save(out, "PNG")
    return SealImage(png=out.getvalue(), width_mm=40)


def own_type(**changes: Any) -> CertificateType:
    """A department's own type without a face: nested members, lists, open text."""
    text = (Path(__file__).parent / "own-type.json").read_text("utf-8")
    definition = read_type_file(json.dumps(json.loads(text) | changes).encode())
    return CertificateType.build(definition, {})


def member(number: int, **changes: Any) -> dict[str, Any]:
    """A member of a household with every field."""
    return {
        "name": f"示例{'甲乙丙丁戊己庚辛壬癸子丑'[number % 12]}",
        "relationship_to_head": "户主" if number == 0 else "孙女、外孙女",
        "relationship_code": "02" if number == 0 else "40",
        "sex": "未说明的性别" if number == 5 else "女",
        "ethnicity": "维吾尔族",
        "date_of_birth": f"19{50 + number}-10-{10 + number}",
        "birthplace": "新疆维吾尔自治区巴音郭楞蒙古自治州博斯腾湖镇",
        "native_place": "内蒙古自治区锡林郭勒盟西乌珠穆沁旗",
        "citizen_id": f"9999001950101000{number:02d}",
        "education": "研究生教育",
        "marital_status": "未婚",
        "occupation": "农、林、牧、渔业生产及辅助人员",
        "employer": "示例省示例市示例区供销合作社联合社农业生产资料有限责任公司第二分公司",
        "former_name": "示例原名",
        "religion": "无",
        "height": "172 厘米",
        "blood_type": "不明",
        "military_service": "退出现役",
        "registered_on": "2019-08-01",
        "other_address": "示例省示例市示例区滨河南路 208 号锦绣花园 3 期 12 号楼 2 单元 1802 室",
        "moved_to_city": "2001-07-30由示例省示例市示例县示例镇示例村民委员会示例村民小组迁来",
        "moved_to_address": "2011-08-15由示例省示例市示例区示例街道示例社区居民委员会迁来",
        **changes,
    }


def household(members: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A household of these members."""
    return {
        "household_number": "999900001",
        "household_type": "家庭户",
        "head_name": members[0]["name"],
        "address": "示例省示例市示例区示例路 1 号 1 单元 101 室",
        "issuing_authority": "示例市公安局示例分局示例派出所",
        "issued_on": "2026-11-23",
        **changes,
        "members": members,
    }


def _length(record: dict[str, Any]) -> int:
    return len(json.dumps(record, ensure_ascii=False))


def specimens() -> dict[str, Printed]:
    """Certificates by what is special about them."""
    licences, households = records("business-licences.jsonl"), records("households.jsonl")
    longest = max(licences, key=lambda one: len(one["business_scope"]))
    shortest = min(licences, key=_length)
    largest = max(households, key=lambda one: (len(one["members"]), _length(one)))
    smallest = min(households, key=_length)
    scope = "；".join(one["business_scope"] for one in licences)
    own = own_type()
    duplicate = {**licences[4], "copy_type": "副本", "copy_number": "12-7"}
    rare = {
        **licences[7],
        "name": "镕堃喆赟㛃䶮𬭎生物科技（集团）有限责任公司",
        "legal_representative": "欧阳㛃䶮",
        "domicile": "示例省鿍𫭢市䲟溪镇㙟圫村㘰堉路９号〇一室㎡",
    }
    hostile = {
        **licences[8],
        "name": '#import "x": * $a_1$ *粗* _斜_ `码` <label> @ref //注 \\u{41} [内容]',
        "legal_representative": "A" * 120,
        "domicile": "W" * 90 + "。" * 60 + "）" * 50,
        "business_scope": "#{panic()} " + "i-l.l/" * 60 + "……" * 60 + "—" * 60 + "“引”" * 20,
    }
    huge = {
        **licences[9],
        "name": "示例省" + "超长企业名称" * 17 + "有限责任公司",
        "domicile": "示例省示例市示例区" + "超长道路名称" * 30 + "9999 号",
        "registration_authority": "示例省" + "示例自治州示例新区" * 7 + "市场监督管理局",
        "business_scope": scope[:2000],
    }
    return {
        "01-longest-scope": printed(LICENCE, longest),
        "02-shortest-licence": printed(LICENCE, shortest, typed_code=None),
        "03-rarest-characters": printed(LICENCE, rare),
        "04-two-thousand-characters": printed(LICENCE, huge, issuer_name="示例" * 40),
        "05-licence-both-languages": printed(LICENCE, longest, language="zh-en"),
        "06-duplicate-demo-seal": printed(LICENCE, duplicate, demo=True, seal=seal()),
        "07-six-members": printed(HOUSEHOLD, largest),
        "08-twelve-full-members": printed(
            HOUSEHOLD,
            household(
                [member(at) for at in range(12)],
                address="示例省示例市示例区示例街道" + "示例社区示例路" * 24 + "1 号",
            ),
            demo=True,
        ),
        "09-household-both-languages": printed(
            HOUSEHOLD, household([member(0), member(1)]), language="zh-en"
        ),
        "10-smallest-household": printed(HOUSEHOLD, smallest),
        "11-type-without-face": printed(own, dict(own.definition.example.claims)),
        "12-own-type-both-languages": printed(
            own, dict(own.definition.example.claims), language="zh-en", seal=seal()
        ),
        "13-markup-and-long-words": printed(LICENCE, hostile),
        "14-core-profile": printed(LICENCE, LICENCE.select(LICENCE.normalise(longest), "core")),
        "15-household-seal": printed(HOUSEHOLD, households[3], seal=seal()),
        "16-revoked-demo": printed(
            LICENCE, licences[12], demo=True, overprint=Label(zh="吊销", en="Revoked by penalty")
        ),
    }


def main(folder: Path, render: Callable[[Printed], bytes]) -> None:
    """Write every specimen as PDF, and every page as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in specimens().items():
        made = render(one)
        (folder / f"{name}.pdf").write_bytes(made)
        document = pypdfium2.PdfDocument(made)
        for index in range(len(document)):
            image = document[index].render(scale=2).to_pil()
            image.save(folder / f"{name}-{index + 1}.png")
        print(f"{name}: {len(document)} pages, {len(made):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Typesetter().render)
