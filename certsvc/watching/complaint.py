"""What a watcher can find wrong. Table: docs/status.md."""

from dataclasses import dataclass, field
from enum import StrEnum


class Code(StrEnum):
    """Stable words for what is wrong."""

    TRUST_UNAVAILABLE = "trust_unavailable"
    TRUST_EXPIRED = "trust_expired"
    ISSUER_MISSING = "issuer_missing"
    LIST_UNREACHABLE = "list_unreachable"
    LIST_NOT_GENUINE = "list_not_genuine"
    LIST_WENT_BACK = "list_went_back"
    LIST_BEHIND = "list_behind"
    LIST_OLD = "list_old"
    LIST_EXPIRES_SOON = "list_expires_soon"
    CHANGE_NOT_SHOWN = "change_not_shown"
    BITS_DIFFER = "bits_differ"
    LOG_UNREACHABLE = "log_unreachable"
    LOG_NOT_GENUINE = "log_not_genuine"
    LOG_WENT_BACK = "log_went_back"
    LOG_BEHIND = "log_behind"


SENTENCES: dict[Code, tuple[str, str]] = {
    Code.TRUST_UNAVAILABLE: ("信任数据读不到", "the trust data cannot be read"),
    Code.TRUST_EXPIRED: ("信任数据已过期", "the trust data has expired"),
    Code.ISSUER_MISSING: ("信任数据中没有该机关", "the trust data does not name this issuer"),
    Code.LIST_UNREACHABLE: ("状态列表读不到", "the status list cannot be read"),
    Code.LIST_NOT_GENUINE: ("状态列表不可信", "what is served as the status list is not genuine"),
    Code.LIST_WENT_BACK: ("状态列表倒退", "the status list went back"),
    Code.LIST_BEHIND: ("读者看到的是旧版本", "readers are shown an older version"),
    Code.LIST_OLD: ("状态列表未按时重新签名", "the status list was not signed anew in time"),
    Code.LIST_EXPIRES_SOON: ("状态列表即将过期", "the status list expires soon"),
    Code.CHANGE_NOT_SHOWN: ("状态变更未及时公布", "a change of status is not shown in time"),
    Code.BITS_DIFFER: ("状态列表与数据库不一致", "the status list says something else"),
    Code.LOG_UNREACHABLE: ("透明日志读不到", "the log's checkpoint cannot be read"),
    Code.LOG_NOT_GENUINE: ("透明日志不可信", "what is served as the checkpoint is not genuine"),
    Code.LOG_WENT_BACK: ("透明日志倒退", "the log went back"),
    Code.LOG_BEHIND: ("透明日志未及时公布", "the log does not show everything in time"),
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong.

    Attributes:
        code: what.
        where: address, or name of the log.
        detail: numbers that tell more; no personal data.
    """

    code: Code
    where: str
    detail: str = ""

    def sentence(self) -> str:
        """For people, Chinese first."""
        zh, en = SENTENCES[self.code]
        more = f" ({self.detail})" if self.detail else ""
        return f"{zh} / {en}: {self.where}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one look found.

    Attributes:
        complaints: empty when all is well.
        numbers: plain numbers for a monitor, by name; seconds and counts.
    """

    complaints: tuple[Complaint, ...]
    numbers: dict[str, float] = field(default_factory=dict)
