"""What is said beside a verdict about the file in which a certificate was found.

A notice never changes an outcome: the certificate is as valid as it was; the paper around it is
what is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from certsvc_sdk.verdict import ClaimLabels, Lang, label_of

DOCUMENT_DIFFERS: Final = "document_differs"
ATTACHMENT_DIFFERS: Final = "attachment_differs"


@dataclass(frozen=True, slots=True)
class NoticeInfo:
    """What a clerk reads; `{claims}` stands for the labels of the claims meant."""

    zh: str
    en: str


#: All amber. No sentence says that a certificate is not valid, or that somebody forged it.
NOTICES: Final[Mapping[str, NoticeInfo]] = MappingProxyType(
    {
        DOCUMENT_DIFFERS: NoticeInfo(
            "纸面内容与证照数据不一致（{claims}），以屏幕显示的证照数据为准",
            "The document does not say what the certificate says ({claims}); what the screen shows"
            " counts.",
        ),
        ATTACHMENT_DIFFERS: NoticeInfo(
            "文件附带的证照与页面二维码不是同一份证照，请逐份核对",
            "The certificate attached to the file is not the one in the code on its pages; look at"
            " each.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice.

    Attributes:
        code: key of `NOTICES`.
        claims: JSON pointers of the claims meant, for `document_differs`.
    """

    code: str
    claims: tuple[str, ...] = ()

    def sentence(self, lang: Lang = "zh", labels: ClaimLabels | None = None) -> str:
        """Return what a clerk reads, the claims by their labels.

        Args:
            lang: `zh` or `en`.
            labels: what claims are called; without one a claim keeps its name.
        """
        info = NOTICES[self.code]
        names = dict.fromkeys(label_of(claim, lang, labels or {}) for claim in self.claims)
        named = ("、" if lang == "zh" else ", ").join(names)
        # A label may hold any braces, so nothing is formatted here.
        return (info.zh if lang == "zh" else info.en).replace("{claims}", named)

    def to_json(self, labels: ClaimLabels | None = None) -> dict[str, Any]:
        """Return the body the verification API answers with: `code`, `claims`, `zh`, `en`."""
        return {
            "code": self.code,
            "claims": list(self.claims),
            "zh": self.sentence("zh", labels),
            "en": self.sentence("en", labels),
        }


def markdown_notices() -> tuple[str, ...]:
    """Return the lines of the table in docs/errors.md."""
    return (
        "| 代码 code | 提示 | sentence |",
        "|---|---|---|",
        *(f"| `{code}` | {info.zh} | {info.en} |" for code, info in NOTICES.items()),
    )
