"""What a check finds: a stable code, the place, and a sentence in two languages."""

from collections.abc import Mapping
from dataclasses import dataclass

#: Code -> Chinese and English sentence; the table of docs/transparency-log.md (tested).
SENTENCES: Mapping[str, tuple[str, str]] = {
    "leaf_altered": ("日志条目与其哈希不符", "a leaf is not what its hash was made of"),
    "leaf_misplaced": ("日志序号缺失或重复", "a place in the log is empty or taken twice"),
    "leaf_differs": (
        "日志条目与证照或状态事件不符",
        "a leaf is not what the certificate or event says",
    ),
    "leaf_missing": ("证照或状态事件没有日志条目", "a certificate or event has no leaf"),
    "leaf_surplus": ("日志条目没有对应的证照或事件", "a leaf belongs to no certificate or event"),
    "certificate_unreadable": (
        "证照内容无法解封，或与记录不符",
        "a certificate's sealed content does not open or is not the row's",
    ),
    "certificate_state": (
        "证照状态与其状态事件不符",
        "a certificate's state is not what its events say",
    ),
    "certificate_code": (
        "证照短码的查找值与证照不符",
        "the look-up of a typed code is not the certificate's",
    ),
    "tile_differs": ("日志文件与数据库不符", "a file of the log is not what the database says"),
    "tile_missing": ("日志文件缺失", "a file of the log is missing"),
    "checkpoint_invalid": (
        "日志摘要缺失、签名无效或内容不符",
        "the checkpoint is missing, not signed by the log, or says something else",
    ),
    "audit_broken": ("审计链在此断裂", "the audit trail is broken here"),
    "list_invalid": (
        "状态列表缺失、签名无效或内容不符",
        "a status list is missing, not signed, or says something else",
    ),
    "list_bits": ("状态列表与证照状态不符", "a status list shows another state than the database"),
    "trust_invalid": ("信任清单文件受损", "a file of the trust repository is damaged"),
    "metadata_differs": ("类型或公钥文件与应有内容不符", "type metadata or keys differ"),
    "file_unexpected": ("不应存在的文件", "a file that nobody published"),
    "backup_damaged": ("备份受损", "a backup is damaged"),
    "database_unreadable": ("数据库此处无法读取", "the database cannot be read here"),
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        code: of `SENTENCES`.
        place: file, or table and key; no personal data.
    """

    code: str
    place: str

    def line(self) -> str:
        """The finding for people."""
        zh, en = SENTENCES[self.code]
        return f"{self.place}: {zh} / {en} ({self.code})"

    def to_json(self) -> dict[str, str]:
        """The finding for programs."""
        zh, en = SENTENCES[self.code]
        return {"code": self.code, "place": self.place, "zh": zh, "en": en}
