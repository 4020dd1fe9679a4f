"""T60 proofs out of the transparency log, T51 what they save after a key was stolen."""

from typing import Any

from more_keys import MlDsaKey
from signing import CERT, STATUS, STRANGER, Key, b64u
from tokens import NOW, REVOKED, claims, status, token, usual
from trees import (
    LATER_LOGGER,
    LOGGER,
    ML_DSA_65,
    ORIGIN,
    WITNESS,
    Tree,
    b64,
    changed,
    cosigned,
    issued,
    line,
    path,
    root,
    served_proof,
)
from vector import Row
from worlds import PATH, key_record, record

ASKS: dict[str, Any] = {"require_log_proof": True}
QUANTUM = MlDsaKey("transparency log, ML-DSA", "ML-DSA-65")
TOKEN = usual()
# The certificate stands at place 3 of 7.
TREE = Tree().fill(3)
TREE.add(issued(TOKEN))
TREE.fill(3)
PLACE = 3


def logged(*more: dict[str, Any], cert: Any = None, log: Any = None, **changes: Any) -> Any:
    """The regulator's record with its log."""
    keys = [
        key_record(CERT, **(cert or {})),
        key_record(STATUS, "status"),
        key_record(LOGGER, "log", **(log or {})),
        *more,
    ]
    return {PATH: record(**{"keys": keys, "log_origin": ORIGIN} | changes)}


def rows() -> list[Row]:
    """Vectors of this module."""
    return [_proofs(), _cuts()]


def _proofs() -> Row:
    row = Row("T60", "threats.md T60; C2SP tlog-proof, signed-note; RFC 6962 section 2.1")
    _good(row)
    for name, zh, text in (*_paths(), *_grammar(), *_notes(), *_signatures(), *_checkpoints()):
        _missing(row, name, zh, text)
    _records(row)
    _leaves(row)
    row.bad(
        "log-proof-absent", "没有公示证明", "No proof at all", TOKEN, "log_proof_missing",
        "log_proof", policy=ASKS, records=logged(),
    )  # fmt: skip
    row.bad(
        "log-proof-of-a-revoked-one", "有公示证明而已吊销", "Proven, and revoked",
        usual(status=status(REVOKED)), "revoked", "status", policy=ASKS, records=logged(),
        log=served_proof(usual(status=status(REVOKED)), TREE.proof(PLACE)),
    )  # fmt: skip
    return row


def _missing(row: Row, name: str, zh: str, text: str, **more: Any) -> None:
    title = (f"公示证明：{zh}", f"Log proof: {name.replace('-', ' ')}")
    records = more.pop("records", logged())
    row.bad(
        f"log-{name}", *title, TOKEN, "log_proof_missing", "log_proof", policy=ASKS,
        records=records, log=served_proof(TOKEN, text), **more,
    )  # fmt: skip


def _proven(row: Row, name: str, zh: str, text: str, **more: Any) -> None:
    title = (f"公示证明：{zh}", f"Log proof: {name.replace('-', ' ')}")
    arrives = more.pop("arrives", TOKEN)
    records = more.pop("records", logged())
    row.good(
        f"log-{name}", *title, arrives, policy=ASKS, records=records,
        log=served_proof(arrives, text), **more,
    )  # fmt: skip


def _good(row: Row) -> None:
    _proven(row, "proof", "在七条之中", TREE.proof(PLACE))
    for size in (4, 5, 6):
        _proven(row, f"proof-in-{size}", f"{size} 条时的检查点", TREE.proof(PLACE, size=size))
    for name, before, after in (("only", 0, 0), ("first", 0, 4), ("last", 4, 0), ("deep", 200, 90)):
        tree = Tree().fill(before)
        place = tree.add(issued(TOKEN))
        tree.fill(after)
        _proven(row, f"{name}-leaf", "不同大小的树", tree.proof(place))
    _proven(row, "extra", "附带数据不影响", TREE.proof(PLACE, extra=f"extra {b64(b'x')}\n"))
    text = TREE.text()
    _proven(
        row, "other-signatures", "另有陌生签名",
        TREE.proof(PLACE, note=f"{text}\n{_stranger(text)}{line(text)}{cosigned(text)}"),
    )  # fmt: skip
    extended = text + "more to say\n"
    _proven(
        row, "extension-line", "检查点另有扩展行",
        TREE.proof(PLACE, note=f"{extended}\n{line(extended)}"),
    )  # fmt: skip
    retired = logged(log={"state": "retired", "not_after": NOW - 5})
    _proven(row, "retired-log-key", "日志密钥已退役", TREE.proof(PLACE), records=retired)
    older = logged(log={"alg": "EdDSA"})
    _proven(row, "older-spelling", "日志密钥写作 EdDSA", TREE.proof(PLACE), records=older)
    two = logged(key_record(QUANTUM, "log"), key_record(LATER_LOGGER, "log"))
    both = f"{text}\n{line(text, QUANTUM, kind=ML_DSA_65)}{line(text, LATER_LOGGER)}"
    _proven(row, "second-key-and-ml-dsa", "另一密钥与后量子签名", TREE.proof(PLACE, note=both),
            records=two)  # fmt: skip
    mixed = logged(key_record(STRANGER, "log"))
    _proven(row, "key-that-signs-no-notes", "另列 ES256 日志密钥", TREE.proof(PLACE), records=mixed)


def _stranger(text: str) -> str:
    return line(text, Key("stranger", "Ed25519"), "stranger.example")


def _paths() -> Any:
    hashes = path(PLACE, TREE.hashes)
    other = Tree().fill(7)
    yield "another-index", "序号被换", TREE.proof(PLACE, place=2)
    yield "index-beyond", "序号超出大小", TREE.proof(PLACE, place=7)
    yield "index-far-beyond", "序号远超大小", TREE.proof(PLACE, place=PLACE + 8)
    yield "another-leaf", "别的条目的证明", TREE.proof(2)
    yield "hash-missing", "少一个哈希", TREE.proof(PLACE, hashes=hashes[:-1])
    yield "hash-added", "多一个哈希", TREE.proof(PLACE, hashes=[*hashes, bytes(32)])
    yield "no-hashes", "没有哈希", TREE.proof(PLACE, hashes=[])
    yield "hashes-swapped", "哈希次序颠倒", TREE.proof(PLACE, hashes=hashes[::-1])
    yield "hash-altered", "哈希改动一位", TREE.proof(PLACE, hashes=[_flip(hashes[0]), *hashes[1:]])
    yield "smaller-tree", "检查点小于所证", TREE.proof(PLACE, note=TREE.note(3))
    yield "other-size", "检查点大小不同", TREE.proof(PLACE, note=TREE.note(6))
    yield "other-tree", "另一棵树的检查点", TREE.proof(PLACE, note=other.note())
    only = Tree([b"another certificate"])
    yield "leaf-as-root", "一条之树而非本条", only.proof(0)
    yield "path-from-above", "由中间节点起的路径", TREE.proof(PLACE, place=1, hashes=hashes[1:])


def _flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _grammar() -> Any:
    right = TREE.proof(PLACE)
    first = b64(path(PLACE, TREE.hashes)[0])
    yield "not-a-proof", "不是证明", "no proof"
    yield "empty-proof", "空文本", "\n"
    yield "other-version", "版本不同", right.replace("@v1", "@v2")
    yield "header-alone", "只有首行", f"c2sp.org/tlog-proof@v1\n\n{TREE.note()}"
    yield "index-without-word", "序号没有 index", right.replace("index 3", "3")
    yield "surrogate", "含代理项", right + "\ud800"
    yield "index-word-missing", "缺 index", right.replace("index 3\n", "")
    yield "index-other-word", "index 写错", right.replace("index", "place")
    yield "index-leading-zero", "序号前有零", right.replace("index 3", "index 03")
    yield "index-plus", "序号带正号", right.replace("index 3", "index +3")
    yield "index-full-width", "序号为全角", right.replace("index 3", "index \uff13")
    yield "index-space", "序号后有空格", right.replace("index 3", "index 3 ")
    yield "hash-short", "哈希短一字节", right.replace(first, b64(bytes(31)))
    yield "hash-unpadded", "哈希无填充", right.replace(first, first.rstrip("="))
    yield "hash-other-bits", "哈希末位非零", right.replace(first, _tail(first))
    yield "hash-with-space", "哈希后有空格", right.replace(first, first + " ")
    yield "extra-not-base64", "附带数据非 base64", TREE.proof(PLACE, extra="extra ???\n")
    yield "extra-too-long", "附带数据过长", TREE.proof(PLACE, extra=f"extra {'A' * 16384}\n")
    yield "carriage-returns", "行末为 CRLF", right.replace("\n", "\r\n")
    many = [bytes(32)] * 110
    yield "too-many-hashes", "哈希过多", TREE.proof(PLACE, hashes=many)
    yield "proof-too-long", "证明过长", right + "x" * 200_000
    yield "no-checkpoint", "没有检查点", right.partition("\n\n")[0] + "\n"


def _tail(encoded: str) -> str:
    # One of the two bits that 32 bytes leave unused.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return encoded[:-2] + alphabet[alphabet.index(encoded[-2]) ^ 1] + "="


def _notes() -> Any:
    text = TREE.text()
    signed = line(text)

    def of(note: str) -> str:
        return TREE.proof(PLACE, note=note)

    yield "note-unsigned", "检查点没有签名", of(text + "\n")
    yield "note-hyphen", "签名行以连字符开头", of(f"{text}\n-{signed[1:]}")
    cut = f"{text}\n{signed}\u2014 a AAAAAAAAx"
    yield "note-no-final-line-feed", "末尾没有换行", of(cut)
    yield "note-control-character", "含控制字符", of(_signed(text + "a\tb\n"))
    yield "note-name-missing", "签名行缺名称", of(f"{text}\n{signed}\u2014  AAAAAAAA\n")
    yield "note-name-with-plus", "名称含加号", of(f"{text}\n{signed}\u2014 a+b AAAAAAAA\n")
    yield "note-name-too-long", "名称过长", of(f"{text}\n{signed}\u2014 {'a' * 201} AAAAAAAA\n")
    yield "note-key-id-alone", "签名行只有密钥号", of(f"{text}\n{signed}\u2014 a AAAAAA==\n")
    yield "note-bad-base64", "签名行非 base64", of(f"{text}\n{signed}\u2014 a ????????\n")
    many = "\u2014 a AAAAAAAA\n" * 64
    yield "note-too-many-signatures", "签名过多", of(f"{text}\n{signed}{many}")
    long = text + "x" * 131_072 + "\n"
    yield "note-too-long", "检查点过长", of(_signed(long))


def _signed(text: str, **how: Any) -> str:
    return f"{text}\n{line(text, **how)}"


def _signatures() -> Any:
    text = TREE.text()

    def of(*lines: str) -> str:
        return TREE.proof(PLACE, note=f"{text}\n{''.join(lines)}")

    forged = line(text, signature=LOGGER.sign(TREE.text(6).encode()))
    zero = line(text, signature=bytes(64))
    yield "forged-checkpoint", "检查点签名属另一文本", of(forged)
    yield "zero-signature", "签名全零", of(zero)
    yield (
        "short-signature",
        "签名短一字节",
        of(line(text, signature=LOGGER.sign(text.encode())[:63])),
    )
    yield "signed-by-a-stranger", "陌生人签名", of(line(text, Key("stranger", "Ed25519")))
    yield "signed-by-the-certificate-key", "证照密钥签名", of(line(text, CERT, kind=b"\x02"))
    yield "under-another-name", "以另一名称签名", of(line(text, name="certs.example/other"))
    wrong = line(text).replace(" ", "  ", 1)
    yield "two-spaces", "签名行两个空格", of(wrong)
    yield "cosignature-alone", "只有见证签名", of(cosigned(text))
    yield (
        "cosigned-by-the-log-key",
        "日志密钥只作见证签名",
        of(cosigned(text, key=LOGGER, name=ORIGIN)),
    )
    yield "second-line-fails", "同一密钥另有一行不符", of(line(text), zero)
    yield "first-line-fails", "同一密钥首行不符", of(zero, line(text))
    yield "witness-alone-as-note", "见证方普通签名", of(line(text, WITNESS, "witness.example/w"))


def _checkpoints() -> Any:
    def of(text: str) -> str:
        return TREE.proof(PLACE, note=_signed(text))

    right = TREE.text()
    top = right.split("\n")[2]
    yield "other-origin", "检查点属另一日志", of(TREE.text(origin="certs.example/other"))
    yield (
        "root-altered",
        "根哈希改动后未重签",
        TREE.proof(PLACE, note=TREE.note().replace(top, b64(bytes(32)))),
    )
    yield "root-wrong", "根哈希不对", of(TREE.text(top=b64(bytes(32))))
    yield "root-short", "根哈希短一字节", of(TREE.text(top=b64(bytes(31))))
    yield "size-leading-zero", "大小前有零", of(right.replace("\n7\n", "\n07\n"))
    yield "size-zero", "大小为零", of(right.replace("\n7\n", "\n0\n"))
    yield "size-negative", "大小为负", of(right.replace("\n7\n", "\n-7\n"))
    yield "size-beyond-limit", "大小超限", of(right.replace("\n7\n", f"\n{2**53}\n"))
    yield "two-lines", "检查点只有两行", of(f"{ORIGIN}\n7\n")
    yield "empty-line-inside", "检查点含空行", of(right.replace("\n7\n", "\n\n7\n"))
    yield "empty-extension-line", "检查点末有空行", of(right + "\n")
    two = Tree([b"another certificate", TREE.leaves[PLACE]])
    pair = b64(root(two.hashes))
    first = two.hashes[:1]
    for name, zh, size, place in (
        ("size-understated", "日志少报大小", 1, 0),
        ("size-overstated", "日志多报大小", 4, 1),
    ):
        signed = _signed(two.text(size, top=pair))
        yield name, zh, two.proof(1, note=signed, hashes=first, place=place)
    yield "long-origin", "日志名称过长", of(right.replace(ORIGIN, "l" * 201))
    yield "text-after-the-root", "根哈希后有文字", of(right.replace(top, top + " "))


def _records(row: Row) -> None:
    right = TREE.proof(PLACE)
    text = TREE.text()
    for name, zh, records in (
        ("no-log-origin", "记录未列日志", logged(log_origin=None)),
        ("another-log-origin", "记录列另一日志", logged(log_origin="certs.example/other")),
        ("no-log-key", "记录未列日志密钥", {PATH: record(log_origin=ORIGIN)}),
        ("log-key-for-status", "密钥用途为状态", _with_use("status")),
        ("log-key-for-certificates", "密钥用途为证照", _with_use("certificate")),
        ("log-key-compromised", "日志密钥已泄露",
         logged(log={"state": "compromised", "compromised_at": NOW - 5})),
    ):  # fmt: skip
        _missing(row, name, zh, right, records=records)
    bad = line(text, LATER_LOGGER, signature=bytes(64))
    both = logged(key_record(LATER_LOGGER, "log"))
    note = f"{text}\n{line(text)}{bad}"
    _missing(
        row, "listed-key-fails", "另一在册密钥签名不符", TREE.proof(PLACE, note=note), records=both
    )
    quantum = logged(key_record(QUANTUM, "log"))
    alone = f"{text}\n{line(text, QUANTUM, kind=ML_DSA_65)}"
    _missing(row, "ml-dsa-alone", "只有后量子签名", TREE.proof(PLACE, note=alone), records=quantum)
    spoilt = f"{text}\n{line(text)}{line(text, QUANTUM, kind=ML_DSA_65, signature=bytes(3309))}"
    _missing(row, "ml-dsa-fails", "后量子签名不符", TREE.proof(PLACE, note=spoilt), records=quantum)


def _with_use(use: str) -> Any:
    keys = [key_record(CERT), key_record(STATUS, "status"), key_record(LOGGER, use)]
    return {PATH: record(keys=keys, log_origin=ORIGIN)}


def _leaves(row: Row) -> None:
    """A leaf that is not exactly this certificate's, truly logged and truly proven."""
    for name, zh, changes in (
        ("leaf-other-key", "条目密钥不同", {"kid": STRANGER.kid}),
        ("leaf-other-time", "条目签发时间不同", {"iat": NOW - 5}),
        ("leaf-other-issuer", "条目机关不同", {"iss": "https://certs.example/i/x"}),
        ("leaf-other-type", "条目类型不同", {"vct": "x"}),
        ("leaf-other-identifier", "条目标识不同", {"certificate_identifier": "x"}),
        ("leaf-other-content", "条目摘要不同", {"sha256": b64u(bytes(32))}),
        ("leaf-other-version", "条目版本不同", {"v": 2}),
        ("leaf-with-a-name", "条目另含姓名", {"name": "张三"}),
    ):
        tree = Tree().fill(3)
        place = tree.add(issued(TOKEN, **changes))
        _missing(row, name, zh, tree.fill(2).proof(place))
    long = token(claims(certificate_identifier="x" * 9000))
    tree = Tree().fill(2)
    proof = tree.proof(tree.add(issued(long)))
    row.bad(
        "log-leaf-too-long", "条目过长", "Log proof: leaf too long", long, "log_proof_missing",
        "log_proof", policy=ASKS, records=logged(), log=served_proof(long, proof),
    )  # fmt: skip
    tree = Tree().fill(2)
    issue = tree.add(issued(TOKEN))
    event = tree.add(changed(tree.leaves[issue], "suspended", NOW - 5, 1))
    _missing(row, "leaf-of-an-event", "状态事件冒充签发", tree.proof(event))


def _cuts() -> Row:
    row = Row("T51", "threats.md T51; architecture.md, Transparency log")

    def cut(index: int) -> Any:
        lost = {"state": "compromised", "compromised_at": NOW - 5}
        return logged(cert=lost | {"accept_before_log_index": index})

    proof = served_proof(TOKEN, TREE.proof(PLACE))
    for index in (PLACE + 1, 5000):
        row.good(
            f"logged-before-{index}", "停用截止之前已公示", f"Logged before the cut-off at {index}",
            TOKEN, records=cut(index), log=proof,
        )  # fmt: skip
    row.good(
        "logged-before-and-asked-for", "停用截止之前已公示，规则也要求", "And the policy asks too",
        TOKEN, records=cut(5000), log=proof, policy=ASKS,
    )  # fmt: skip
    for index in (0, PLACE):
        row.bad(
            f"logged-after-{index}", "停用截止之后才公示", f"Logged after the cut-off at {index}",
            TOKEN, "key_compromised", "key_state", records=cut(index), log=proof,
        )  # fmt: skip
    row.bad(
        "logged-elsewhere", "公示证明属另一证照", "The proof is another certificate's",
        TOKEN, "log_proof_missing", "key_state", records=cut(5000),
        log=served_proof(TOKEN, TREE.proof(2)),
    )  # fmt: skip
    forged = usual().partition("~")
    broken = forged[0].rpartition(".")[0] + "." + b64u(bytes(64)) + "~" + forged[2]
    row.bad(
        "logged-and-bad-signature", "已公示而签名不符", "Logged, and the signature is wrong",
        broken, "signature_invalid", "signature", records=cut(5000), log=proof,
    )  # fmt: skip
    return row
