"""What a recovery did, for a person and as JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Report:
    """Counts and names; a second run reports what was left for it.

    Attributes:
        dry_run: nothing was changed.
        level: there was nothing to do.
        position_before, position_after: `epoch/seq` of the database.
        replayed: transactions done again from the journal.
        torn: files of the journal whose last record was never finished.
        damaged: places of the journal that cannot be read.
        journal_fault: why the replay ended early, where a loss was accepted.
        leaves_taken: leaves that only the published log had.
        certificates_lost: identifiers that the published log names and no row holds any more.
        changes_taken: status changes of known certificates, taken from log or lists.
        bits_carried: published bits of places without a certificate.
        plans_dropped: plans whose certificate was issued in the lost time.
        lists_unknown: status lists that the backup did not have; closed.
        lists_raised: status lists that are published anew above what readers saw.
        gap: places of each open list that are never given out; None: the rest of each list.
    """

    dry_run: bool = False
    level: bool = False
    position_before: str = ""
    position_after: str = ""
    replayed: int = 0
    torn: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    journal_fault: str | None = None
    leaves_taken: int = 0
    certificates_lost: list[str] = field(default_factory=list)
    changes_taken: int = 0
    bits_carried: int = 0
    plans_dropped: int = 0
    lists_unknown: int = 0
    lists_raised: int = 0
    gap: int | None = 0

    @property
    def complete(self) -> bool:
        """Whether everything that was ever acknowledged is in the database again."""
        return self.journal_fault is None and not self.leaves_taken and not self._outside

    @property
    def _outside(self) -> int:
        return self.changes_taken + self.bits_carried + self.plans_dropped + self.lists_unknown

    def to_json(self) -> dict[str, Any]:
        """Every member, and `complete`."""
        return {**asdict(self), "complete": self.complete}

    def lines(self) -> list[str]:
        """What a person reads."""
        if self.level:
            return ["数据库与外部一致，无事可做 / the database is level: nothing to do"]
        made = [
            f"从变更日志重做的事务 / transactions done again from the journal: {self.replayed}",
            f"位置 / position: {self.position_before} → {self.position_after}",
        ]
        if self.dry_run:
            return [*made, "只是预演，未作改动 / a dry run: nothing was changed"]
        made += [f"未写完的记录 / a record never finished: {each}" for each in self.torn]
        made += [f"损坏 / damaged: {each}" for each in self.damaged]
        if self.journal_fault:
            made.append(f"变更日志到此为止 / the journal ends here: {self.journal_fault}")
        counts = {
            "从已发布日志取回的条目 / leaves taken from the published log": self.leaves_taken,
            "取回的状态变更 / status changes taken from outside": self.changes_taken,
            "沿用的状态位 / published bits carried on": self.bits_carried,
            "放弃的签发计划 / plans dropped": self.plans_dropped,
            "备份中没有的状态列表 / status lists unknown to the backup": self.lists_unknown,
            "重新发布的状态列表 / status lists to publish anew": self.lists_raised,
        }
        made += [f"{what}: {count}" for what, count in counts.items() if count]
        gap = "全部剩余 / all that is left" if self.gap is None else str(self.gap)
        made.append(f"各列表跳过的位置 / places skipped in each list: {gap}")
        if self.complete:
            made.append("没有丢失 / nothing is lost")
        lost = len(self.certificates_lost)
        if lost:
            made.append(f"丢失的电子证照 / certificates lost: {lost}")
            made += [f"  {each}" for each in self.certificates_lost]
        return made
