"""The chapters of `certsvc demo`. Each does one thing for real and fails unless it went right."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from certsvc.cli.records import demo_records
from certsvc.cli.stage import Stage, UnexpectedError, expect, only_verdict
from certsvc_sdk import Policy
from certsvc_sdk.algorithms import PublicKey
from certsvc_sdk.jws import attach
from certsvc_sdk.receipt import draft_receipt, read_receipt
from certsvc_sdk.strict import b64u_decode, b64u_encode
from keys import open_store
from keys.provision import ensure_active

LICENCE, HOUSEHOLD = "business-licence", "household-register"
#: Seconds a revocation may take until the verifier shows it; the promise is five.
PATIENCE = 10.0
AN_HOUR, A_DAY = 3_600, 86_400


def issue(stage: Stage) -> list[str]:
    """Two departments issue from real-shaped records."""
    told = []
    for type_name in (LICENCE, HOUSEHOLD):
        answer = stage.department(type_name).post(
            "v1/certificates",
            {"type": type_name, "claims": demo_records(type_name)[0]},
            idempotency_key=stage.key(type_name),
        )
        expect("HTTP", answer.status, 201)
        issued = stage.issued[type_name] = answer.json()
        qr = issued["qr"]
        told.append(f"{issued['certificate_identifier']}  QR {qr['version']}-{qr['ecc']}")
    return told


def logged(stage: Stage) -> list[str]:
    """Each issue came with its proof from the log; a verifier that wants one checks it."""
    told = []
    sdk = stage.new_sdk("sdk-online")
    for type_name in (LICENCE, HOUSEHOLD):
        issued = stage.issued[type_name]
        proof = issued["log"]["proof"]
        expect("a proof in the answer", proof is not None, True)
        policy = Policy(require_log_proof=True)
        verdict = sdk.check(issued["qr"]["text"], policy=policy, log_proof=proof)
        expect("with its proof", (verdict.outcome.value, verdict.acceptable), ("VALID", True))
        told.append(f"{issued['log']['origin']} #{issued['log']['index']}  ({len(proof)} B)")
    return told


def repeat(stage: Stage) -> list[str]:
    """The same Idempotency-Key gives the same certificate, never a second one."""
    answer = stage.department(LICENCE).post(
        "v1/certificates",
        {"type": LICENCE, "claims": demo_records(LICENCE)[0]},
        idempotency_key=stage.key(LICENCE),
    )
    expect("id", answer.json()["id"], stage.issued[LICENCE]["id"])
    return ["同一请求重发：仍是同一张证照 / sent twice: still one certificate"]


def refuse_bad_record(stage: Stage) -> list[str]:
    """A wrong check character is refused, with the field and the reason."""
    record = demo_records(LICENCE)[1]
    code = record["unified_social_credit_code"]
    wrong = {**record, "unified_social_credit_code": code[:-1] + ("A" if code[-1] != "A" else "B")}
    answer = stage.department(LICENCE).post(
        "v1/certificates", {"type": LICENCE, "claims": wrong}, idempotency_key=stage.key("bad")
    )
    expect("HTTP", answer.status, 422)
    error = answer.json()["errors"][0]
    expect("code", error["code"], "uscc_check_character")
    return [f"{error['path']}: {error['zh']}"]


def scan_picture(stage: Stage) -> list[str]:
    """The clerk scans the picture of the QR code."""
    path = f"v1/certificates/{stage.issued[LICENCE]['id']}/qr.png"
    stage.qr_png = stage.department(LICENCE).get(path).body
    began = time.monotonic()
    verdict = only_verdict(
        stage.verifier.upload(
            "v1/verifications", stage.qr_png, name="qr.png", content_type="image/png"
        )
    )
    expect("outcome", (verdict["outcome"], verdict["acceptable"]), ("VALID", True))
    return [f"{verdict['sentence']['zh']}  ({1000 * (time.monotonic() - began):.0f} ms)"]


def verify_household(stage: Stage) -> list[str]:
    """A household's code shows its members, nested disclosures and all."""
    verdict = stage.ask(stage.issued[HOUSEHOLD]["qr"]["text"])
    expect("outcome", verdict["outcome"], "VALID")
    members = verdict["claims"]["members"]
    expect("members", len(members), len(demo_records(HOUSEHOLD)[0]["members"]))
    return [f"{len(members)} 人 / members; {verdict['issuer_name']['zh']}"]


def accept(stage: Stage) -> list[str]:
    """Another department accepts it in place of paper and files a signed receipt."""
    stage.sdk = stage.new_sdk("sdk-online")
    policy = Policy(types=(LICENCE,), claims=("name", "unified_social_credit_code", "domicile"))
    text = stage.issued[LICENCE]["qr"]["text"]
    verdict = stage.sdk.verify(text, policy=policy)
    now = int(time.time())
    store = open_store(f"file:{stage.settings.home / 'accepting-keys'}", passphrase=b"demo only")
    ensure_active(store, issuer_id="housing-fund", alg="ES256", purpose="log", now=now)
    key = store.active("housing-fund", "log")
    draft = draft_receipt(
        verdict,
        token=stage.issued[LICENCE]["token"],
        department="示例市住房公积金管理中心",
        purpose="单位缴存登记",
        service_item="999900-0001",
        case_number="2026-0001",
        alg=key.alg,
        kid=key.kid,
        now=now,
    )
    jws = attach(draft, key.sign(draft))
    receipt = read_receipt(jws, PublicKey.from_jwk(dict(key.public_jwk), key.alg, kid=key.kid))
    expect("receipt", receipt.certificate_identifier, verdict.certificate_identifier)
    path = stage.settings.home / "receipt.jws"
    path.write_text(jws, encoding="ascii")
    return [f"{verdict.sentence()}", f"回执已签名入卷 / receipt signed and filed ({len(jws)} B)"]


def wrong_matter(stage: Stage) -> list[str]:
    """A lawful licence shown for the wrong matter is valid, and not acceptable."""
    verdict = stage.ask(stage.issued[LICENCE]["qr"]["text"], {"types": [HOUSEHOLD]})
    expect("outcome", (verdict["outcome"], verdict["acceptable"]), ("VALID", False))
    expect("reasons", verdict["reasons"], ["type_not_accepted"])
    return [verdict["sentence"]["zh"]]


def forge(stage: Stage) -> list[str]:
    """Another company's name under a genuine signature, and a code that is no certificate."""
    head, payload, rest = stage.issued[LICENCE]["token"].split(".", 2)
    name = demo_records(LICENCE)[0]["name"]
    forged = b64u_decode(payload).decode().replace(name, "示例冒名有限公司")
    verdict = stage.ask(f"{head}.{b64u_encode(forged.encode())}.{rest}")
    expect("code", verdict["code"], "signature_invalid")
    expect("claims", verdict["claims"], None)
    foreign = stage.ask("https://pay.invalid/collect?to=somebody")
    expect("code", foreign["code"], "not_a_certificate")
    return [f"{verdict['code']}: {verdict['sentence']['zh']}", foreign["sentence"]["zh"]]


def offline(stage: Stage) -> list[str]:
    """Without a network the SDK answers from what it verified before, and says how old that is."""
    stage.new_sdk("sdk-offline").prefetch()
    alone = stage.new_sdk("sdk-offline", offline=True)
    verdict = alone.check(stage.issued[HOUSEHOLD]["qr"]["text"])
    expect("outcome", verdict.outcome.value, "VALID")
    return [f"{verdict.sentence()}  (数据时龄 / age of data {verdict.status_age} s)"]


def suspend_and_resume(stage: Stage) -> list[str]:
    """Suspended, seen by the verifier, and back in force."""
    licence = stage.issued[LICENCE]
    told = change(stage, licence, "suspend", "suspended")
    return told + change(stage, licence, "resume", "valid")


def revoke(stage: Stage) -> list[str]:
    """Revoked for ever; the verifier says so within seconds."""
    return change(stage, stage.issued[LICENCE], "revoke", "revoked")


def change(stage: Stage, issued: dict[str, Any], operation: str, code: str) -> list[str]:
    """Change the status and wait until the verifier sees it."""
    department = stage.department(LICENCE)
    operations = department.get(f"v1/types/{LICENCE}").json()["operations"]
    reasons = next(each["reasons"] for each in operations if each["name"] == operation)
    answer = department.post(
        f"v1/certificates/{issued['id']}/{operation}", {"reason": reasons[0]["code"]}
    )
    expect(f"{operation} {answer.body[:200]!r}", answer.status, 200)
    began = time.monotonic()
    verdict = until_seen(stage, issued, code)
    seen = 1000 * (time.monotonic() - began)
    return [f"{operation} → {verdict['code']}: {verdict['sentence']['zh']}  ({seen:.0f} ms)"]


def until_seen(stage: Stage, issued: dict[str, Any], code: str) -> dict[str, Any]:
    """The verifier service's verdict, as soon as it is `code`."""
    end = time.monotonic() + PATIENCE
    while (verdict := stage.ask(issued["qr"]["text"]))["code"] != code:
        if time.monotonic() > end:
            raise UnexpectedError(f"{PATIENCE:.0f} s later still {verdict['code']}, not {code}")
        time.sleep(0.05)
    return verdict


def history(stage: Stage) -> list[str]:
    """What the log proves of the licence's life: nothing left out, nothing taken back."""
    end = time.monotonic() + PATIENCE
    sdk = stage.new_sdk("sdk-online")
    wanted = ["suspended", "resumed", "revoked"]
    while (life := sdk.history(stage.issued[LICENCE]["qr"]["text"])) is None or (
        len(life.events) < len(wanted)
    ):
        if time.monotonic() > end:
            raise UnexpectedError(f"{PATIENCE:.0f} s later the log still lacks an event")
        time.sleep(0.05)
    expect("events", [event.event.value for event in life.events], wanted)
    places = ", ".join(
        f"{e.event.value} #{i}" for e, i in zip(life.events, life.indexes, strict=True)
    )
    return [f"issued #{life.index}, {places}", "由日志签名证明 / signed for by the log"]


def yesterday(stage: Stage) -> list[str]:
    """An SDK that heard nothing since: VALID with its age, or UNKNOWN, as the policy says."""
    text = stage.issued[LICENCE]["qr"]["text"]
    alone = stage.new_sdk("sdk-offline", offline=True, later=AN_HOUR)
    lenient = alone.check(text, policy=Policy(max_status_age=A_DAY))
    expect("lenient", lenient.code, "valid")
    strict = alone.check(text, policy=Policy(max_status_age=AN_HOUR // 2))
    expect("strict", strict.code, "status_stale")
    return [
        f"max_status_age=1 d: {lenient.outcome.value}, {lenient.status_age} s",
        f"max_status_age=30 min: {strict.outcome.value}, {strict.sentence()}",
    ]


def refresh(stage: Stage) -> list[str]:
    """The same SDK, refreshed, says revoked."""
    online = stage.new_sdk("sdk-offline")
    online.refresh()
    verdict = online.check(stage.issued[LICENCE]["qr"]["text"])
    expect("code", verdict.code, "revoked")
    return [verdict.sentence()]


def supersede(stage: Stage) -> list[str]:
    """A changed household gets a new certificate; the old code says so."""
    old = stage.issued[HOUSEHOLD]
    record = {**demo_records(HOUSEHOLD)[0], "household_type": "集体户"}
    answer = stage.department(HOUSEHOLD).post(
        f"v1/certificates/{old['id']}/supersede",
        {"claims": record},
        idempotency_key=stage.key("new"),
    )
    expect(f"HTTP {answer.body[:200]!r}", answer.status, 201)
    new = answer.json()
    verdict = until_seen(stage, old, "superseded")
    expect("new", stage.ask(new["qr"]["text"])["outcome"], "VALID")
    return [
        f"旧码 / old: {verdict['sentence']['zh']}",
        f"新证 / new: {new['certificate_identifier']}",
    ]


Chapter = Callable[[Stage], list[str]]

CHAPTERS: tuple[tuple[str, str, Chapter], ...] = (
    ("两个部门签发", "two departments issue", issue),
    ("签发即公示，附证明", "logged with a proof", logged),
    ("重复请求不重复签发", "a repeated request issues nothing twice", repeat),
    ("错误记录被拒绝", "a bad record is refused", refuse_bad_record),
    ("窗口扫描二维码图片", "a clerk scans the picture", scan_picture),
    ("户籍摘录核验", "a household register extract", verify_household),
    ("其他部门采信并留存回执", "another department accepts, receipt filed", accept),
    ("用错事项：有效，但不符合本事项", "wrong matter: valid, not acceptable", wrong_matter),
    ("篡改与外来二维码", "tampering and foreign codes", forge),
    ("断网核验", "offline", offline),
    ("暂停与恢复", "suspended and resumed", suspend_and_resume),
    ("注销", "revoked", revoke),
    ("公示的全部经过", "the life that the log proves", history),
    ("未更新数据的核验端", "a verifier with old data", yesterday),
    ("更新后的核验端", "the same, refreshed", refresh),
    ("变更换发", "superseded", supersede),
)
