"""Every verdict code and reason: outcome, sentences, colour, icon, word and who acts next.

A colour never stands alone: an icon and a word come with it. An amber sentence never contains
有效, a red one never says 伪造. `{as_of}` in a sentence is the time the status stands for,
`{missing}` the claims that the matter needs and the certificate does not show, `{unmet}` the rules
of the matter that are not met.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """The three answers to "authentic and in force?"; there is no fourth and never only two."""

    VALID = "VALID"
    INVALID = "INVALID"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInfo:
    """What a clerk sees for a code, and what happens next."""

    outcome: Outcome
    zh: str
    en: str
    colour: str
    icon: str
    word_zh: str
    word_en: str
    next_zh: str
    next_en: str


_Pair = tuple[str, str]
_LOOKS = {
    Outcome.VALID: ("green", "✓", "有效", "Valid"),
    Outcome.INVALID: ("red", "✗", "不予采信", "Not valid"),
    Outcome.UNKNOWN: ("amber", "?", "待核", "Unknown"),
}

_ACCEPT = ("符合本事项要求即可采用", "Accept it if it serves the matter.")
_REFUSE = ("不予采用，并按规定上报", "Do not accept it; report it by the rules.")
_CALL = ("请联系发证机关核实", "Call the issuing office.")
_AGAIN = ("请持证人重新出示证照", "Ask for the certificate again.")
_RESCAN = ("请重新扫描，或输入证照短码", "Scan again, or type the short code.")
_COMPARE = (
    "请对照纸面逐字核对短码，或扫描二维码",
    "Compare the short code with the paper sign by sign, or scan the QR code.",
)
_SCAN = ("请扫描二维码，或联网后再输短码", "Scan the QR code, or go online and type it again.")
_FRESH = ("请持证人刷新后重新亮证", "Ask the holder for a fresh code.")
_ONLINE = ("请联网后重新核验", "Go online and check again.")
_AMBER = (
    "请联网复核，或按本事项规定容缺受理、转后台核验或告知承诺",
    "Check again online, or take the amber path of the service item.",
)


def _info(
    outcome: Outcome, zh: str, en: str, next_step: _Pair, word: _Pair | None = None
) -> CodeInfo:
    colour, icon, word_zh, word_en = _LOOKS[outcome]
    word_zh, word_en = word or (word_zh, word_en)
    return CodeInfo(
        outcome=outcome,
        zh=zh,
        en=en,
        colour=colour,
        icon=icon,
        word_zh=word_zh,
        word_en=word_en,
        next_zh=next_step[0],
        next_en=next_step[1],
    )


def _red(zh: str, en: str, next_step: _Pair, word: _Pair | None = None) -> CodeInfo:
    return _info(Outcome.INVALID, zh, en, next_step, word)


def _amber(zh: str, en: str, next_step: _Pair) -> CodeInfo:
    return _info(Outcome.UNKNOWN, zh, en, next_step)


CODES: Mapping[str, CodeInfo] = MappingProxyType(
    {
        "valid": _info(
            Outcome.VALID,
            "证照有效（状态截至 {as_of}），请核对出示人身份或授权",
            "The certificate is valid (status as of {as_of}); check the presenter's identity"
            " or authority.",
            _ACCEPT,
        ),
        "malformed": _red(
            "二维码内容不完整或格式有误",
            "The code's content is incomplete or wrongly formed.",
            _AGAIN,
        ),
        "not_a_certificate": _red(
            "这不是电子证照二维码",
            "This is not the code of an electronic certificate.",
            ("切勿打开其中的链接", "Never open links from it."),
            ("非证照码", "Not a certificate"),
        ),
        "algorithm_not_allowed": _red(
            "签名算法不在允许范围", "The signature algorithm is not allowed.", _REFUSE
        ),
        "signature_invalid": _red(
            "签名验证未通过，内容不可采信",
            "The signature does not verify; do not rely on the content.",
            _REFUSE,
        ),
        "disclosure_invalid": _red(
            "披露内容与签名不符，不可采信",
            "The disclosed content does not match the signature; do not rely on it.",
            _REFUSE,
        ),
        "issuer_unknown": _red(
            "未在信任清单中找到该发证机关，请联系核实（不等于假证）",
            "The issuer is not in the trust list; ask the office (this does not mean the"
            " certificate is fake).",
            _CALL,
        ),
        "key_unknown": _red(
            "未找到签发密钥，请与发证机关核实",
            "The signing key was not found; ask the issuing office.",
            _CALL,
        ),
        "key_not_valid_then": _red(
            "签发时间不在密钥有效期内",
            "The time of issue lies outside the key's period.",
            _CALL,
        ),
        "key_compromised": _red(
            "签发密钥因安全原因停用，请向发证机关申请换发",
            "The signing key was withdrawn for security reasons; apply for re-issue.",
            ("请向发证机关申请换发", "Apply to the issuing office for re-issue."),
        ),
        "issuer_not_authorised": _red(
            "信任清单未登记该机关签发此类证照的权限，请核实",
            "The trust list holds no right of this office to issue this type; please check.",
            _CALL,
        ),
        "not_yet_valid": _red(
            "尚未生效",
            "The certificate is not in force yet.",
            ("请在生效日期后再办理", "Come back when it is in force."),
            ("尚未生效", "Not yet in force"),
        ),
        "expired": _red(
            "有效期已届满；如已申请延续，请向发证机关核实",
            "The certificate has expired; if a renewal was applied for, ask the issuing office.",
            _CALL,
            ("已过期", "Expired"),
        ),
        "suspended": _red(
            "暂停使用", "The certificate is suspended.", _CALL, ("暂停", "Suspended")
        ),
        "revoked": _red(
            "已不再有效，原因请联网查询",
            "The certificate is no longer valid; look up the reason online.",
            _CALL,
            ("已失效", "No longer valid"),
        ),
        "superseded": _red(
            "已变更或换发，请出示最新证照",
            "The certificate was changed or re-issued; show the newest one.",
            ("请出示最新证照", "Ask for the newest certificate."),
            ("已换发", "Superseded"),
        ),
        "holder_binding_invalid": _red(
            "出示设备验证未通过，请持证人重新亮证",
            "The presenting device could not be verified; ask the holder to present again.",
            _FRESH,
        ),
        "presentation_replayed": _red(
            "亮证码已使用", "The presentation code was used already.", _FRESH
        ),
        "presentation_expired": _red(
            "亮证码已过期，请刷新", "The presentation code has expired; refresh it.", _FRESH
        ),
        "unreadable": _amber(
            "读取有误，请重新扫描", "The code was misread; scan it again.", _RESCAN
        ),
        "code_unknown": _amber(
            "未查到此短码，请核对后重新输入", "Nobody has this short code; check it.", _COMPARE
        ),
        "code_unavailable": _amber(
            "短码须联网查询，现在无法查询", "Short codes cannot be looked up online now.", _SCAN
        ),
        "format_unsupported": _amber(
            "本机程序版本过低，请升级",
            "This program is too old for the code; update it.",
            ("请升级本机程序", "Update this program."),
        ),
        "trust_unavailable": _amber(
            "信任清单未就绪", "The trust list is not available yet.", _ONLINE
        ),
        "trust_stale": _amber("信任清单需更新", "The trust list must be updated.", _ONLINE),
        "status_unavailable": _amber(
            "签名核验通过，当前状态待查",
            "The signature verifies; the present status is not known.",
            _AMBER,
        ),
        "status_stale": _amber(
            "签名核验通过，当前状态待查（截至 {as_of}）",
            "The signature verifies; the present status is not known (last as of {as_of}).",
            _AMBER,
        ),
        "log_proof_missing": _amber(
            "缺少签发公示证明", "The proof from the transparency log is missing.", _ONLINE
        ),
        "clock_untrusted": _amber(
            "本机时间不可信",
            "This machine's clock cannot be trusted.",
            ("请校准本机时间", "Set the clock."),
        ),
    }
)


def _reason(zh: str, en: str, next_zh: str, next_en: str) -> CodeInfo:
    # Blue: neither accepted (green) nor called invalid (red), and amber may not say 有效.
    return CodeInfo(
        outcome=Outcome.VALID,
        zh=f"证照有效，但不符合本事项要求：{zh}",
        en=f"The certificate is valid but does not serve this matter: {en}",
        colour="blue",
        icon="≠",
        word_zh="不符合本事项",
        word_en="Not for this matter",
        next_zh=next_zh,
        next_en=next_en,
    )


REASONS: Mapping[str, CodeInfo] = MappingProxyType(
    {
        "type_not_accepted": _reason(
            "证照类型不符",
            "another type of certificate is needed.",
            "请出示本事项接受的证照类型",
            "Ask for a type that the matter accepts.",
        ),
        "claims_missing": _reason(
            "缺{missing}",
            "it does not show {missing}.",
            "请出示包含所缺内容的证照",
            "Ask for a certificate that shows what is missing.",
        ),
        "policy_not_met": _reason(
            "未满足办理规则{unmet}",
            "a rule of the matter is not met{unmet}.",
            "请查看本事项的办理规则",
            "See the rules of the matter.",
        ),
        "holder_mismatch": _reason(
            "持证主体与申请人不一致",
            "the holder is not the applicant.",
            "请核对持证主体与申请人",
            "Compare the holder with the applicant.",
        ),
        "too_old": _reason(
            "签发时间过早",
            "it was issued too long ago.",
            "请持证人换取近期签发的证照",
            "Ask for one that was issued more recently.",
        ),
    }
)

TYPED = _amber(
    "短码输入有误，请核对后重新输入",
    "The short code was mistyped; check it and type it again.",
    _COMPARE,
)
"""`unreadable` of a typed code: there is nothing to scan again."""

DETAILS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "注销": ("已注销", "The certificate was cancelled (注销)."),
        "吊销": ("已吊销", "The licence was revoked as a penalty (吊销)."),
        "撤销": ("已撤销", "The certificate was annulled (撤销)."),
        "暂扣": ("暂扣", "The certificate is temporarily withheld (暂扣)."),
    }
)
"""Legal word of a status detail → sentences; the words differ in law and are kept."""


def markdown_table(table: Mapping[str, CodeInfo]) -> Iterator[str]:
    """Yield the lines of the table that `docs/errors.md` holds for `table`."""
    yield "| 代码 code | 结论 outcome | 颜色 colour | 提示 | sentence | 下一步 | next step |"
    yield "|---|---|---|---|---|---|---|"
    for code, info in table.items():
        look = f"{info.colour} {info.icon} {info.word_zh} / {info.word_en}"
        yield (
            f"| `{code}` | {info.outcome.value} | {look} | {info.zh} | {info.en} "
            f"| {info.next_zh} | {info.next_en} |"
        )
