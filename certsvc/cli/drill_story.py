"""The compromise drill: what a stolen key costs, act by act, and what everybody then sees."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from certsvc.authority.keys_compromise import Cut, compromise, log_size_at, published_log_size
from certsvc.authority.keys_impact import impact
from certsvc.cli.drill_scene import AN_HOUR, Scene
from certsvc.cli.stage import expect
from certsvc_sdk import Verifier

#: What the operator's acts may take in all (reliability, R15).
PROMISED_SECONDS = 60 * 60

HONEST, LATE, FORGED = "honest", "late", "forged"
BACKDATED, STOLEN, NEW = "backdated", "stolen-login", "new-key"
ROWS: Mapping[str, tuple[str, str]] = {
    HONEST: ("此前签发，已入日志", "issued before, in the log"),
    LATE: ("分界线后本机关签发", "the office's own, after the line"),
    FORGED: ("伪造，未入日志", "forged, in no log"),
    BACKDATED: ("伪造并倒签", "forged and backdated"),
    STOLEN: ("盗用接口签发，分界线后入日志", "by a stolen login, logged after the line"),
    NEW: ("新密钥签发", "signed by the new key"),
}
BEFORE, ONLINE, CUT_OFF, STALE = "before", "online", "cut-off", "stale"
PROVEN, PAPER = "proven", "paper"
COLUMNS: Mapping[str, tuple[str, str]] = {
    BEFORE: ("处置前，联网", "before, online"),
    ONLINE: ("处置后，联网", "after, online"),
    CUT_OFF: ("失窃前离线，已 6 小时", "offline since before, 6 h"),
    STALE: ("失窃前离线，已 25 小时", "offline since before, 25 h"),
    PROVEN: ("处置后离线，证照带日志证明", "offline since after, proof comes along"),
    PAPER: ("处置后离线，只有纸面二维码", "offline since after, paper only"),
}
_CUT = "key_compromised"
_MISSING = "log_proof_missing"
#: What each has to see; the drill fails where somebody sees something else.
EXPECTED: Mapping[str, tuple[str, ...]] = {
    HONEST: ("valid", "valid", "valid", "trust_stale", "valid", _MISSING),
    LATE: ("valid", _CUT, "valid", "trust_stale", _CUT, _MISSING),
    FORGED: ("valid", _MISSING, "valid", "trust_stale", _MISSING, _MISSING),
    BACKDATED: ("valid", _MISSING, "valid", "trust_stale", _MISSING, _MISSING),
    STOLEN: ("valid", _CUT, "valid", "trust_stale", _CUT, _MISSING),
    NEW: ("", "valid", "trust_stale", "trust_stale", "valid", "valid"),
}


@dataclass
class Told:
    """What came of a drill.

    Attributes:
        seen: code by row and column; a cell that does not exist is absent.
        seconds: what the operator's acts took, from the alarm to a published new key.
        line: first log index that is no longer accepted.
        lost: certificates to be issued again.
    """

    seen: dict[tuple[str, str], str] = field(default_factory=dict)
    seconds: float = 0.0
    line: int = 0
    lost: int = 0

    @property
    def wrong(self) -> list[tuple[str, str]]:
        """The cells that are not as they must be."""
        return [
            (row, column)
            for row, codes in EXPECTED.items()
            for column, code in zip(COLUMNS, codes, strict=True)
            if self.seen.get((row, column), "") != code
        ]

    @property
    def in_time(self) -> bool:
        """Whether the acts took no longer than promised."""
        return self.seconds <= PROMISED_SECONDS


Act = Callable[["Drill"], str]


class Drill:
    """Plays the theft of an office's certificate key in a running world."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.told = Told()
        self.stolen_at = 0
        self.kid = ""

    def acts(self) -> Iterator[tuple[str, str, Act]]:
        """The acts in order, with what is said of each."""
        yield "签发证照并公示", "certificates are issued and logged", Drill.issue
        yield "密钥被复制盗走", "the key folder is copied by a thief", Drill.steal
        yield "窃贼伪造、倒签、盗用接口", "the thief forges, backdates, uses a login", Drill.forge
        yield "处置前各方所见", "what is seen before anybody acts", Drill.look_before
        yield "影响评估", "impact: what hangs on the key", Drill.assess
        yield "标记、划线、换钥、公布", "mark, cut off, replace, publish", Drill.act
        yield "新密钥恢复签发", "the new key issues", Drill.issue_again
        yield "处置后各方所见", "what is seen afterwards", Drill.look_after

    def issue(self) -> str:
        """Honest certificates; two verifiers fetch everything and then lose their line."""
        made = self.scene.issue(HONEST, 0)
        for name in (CUT_OFF, STALE):
            done = self.scene.onlooker(name).prefetch()
            expect("prefetch", done.complete, True)
        return f"日志序号 / in the log at #{made.index}"

    def steal(self) -> str:
        """From here on two hold the key."""
        self.thief = self.scene.steal("certificate")
        self.kid = self.thief.kid
        # What is logged in the same second counts as before the theft.
        self.stolen_at = int(time.time()) + 1
        time.sleep(max(0.0, self.stolen_at - time.time()))
        return f"{self.kid}"

    def forge(self) -> str:
        """Three kinds of forgery, and the office goes on unknowing."""
        now = int(time.time())
        self.scene.forge(FORGED, self.thief, iat=now)
        self.scene.forge(BACKDATED, self.thief, iat=self.stolen_at - 1)
        self.scene.issue(STOLEN, 1)
        late = self.scene.issue(LATE, 2)
        return f"本机关同时照常签发 / the office issues meanwhile: #{late.index}"

    def look_before(self) -> str:
        """Nobody can tell yet: this is why the line and the log are needed."""
        who = self.scene.onlooker(BEFORE)
        self._look(BEFORE, who)
        return "全部显示有效 / all of them look valid"

    def assess(self) -> str:
        """The operator's clock starts."""
        self.alarm = time.monotonic()
        with self.scene.authority() as authority:
            size = published_log_size(authority) or 0
            self.told.line = log_size_at(authority, self.stolen_at, size=size)
            line = self.told.line
            found = impact(authority, self.scene.office, self.kid, log_index=line)
        self.told.lost = found.live - found.kept
        return (
            f"分界线 / the line: #{self.told.line}  "
            f"保留 / kept {found.kept}  须重新签发 / to be issued again {self.told.lost}"
        )

    def act(self) -> str:
        """Mark, cut off, replace and publish in one breath."""
        with self.scene.authority() as authority:
            ended = compromise(
                authority,
                self.scene.office,
                self.kid,
                now=int(time.time()),
                at=self.stolen_at,
                cut=Cut(index=self.told.line),
                replace=True,
            )
        self.told.seconds = time.monotonic() - self.alarm
        expect("a new key", ended.active is not None, True)
        successor = ended.active.kid if ended.active else ""
        return f"{self.kid} → {successor}"

    def issue_again(self) -> str:
        """What was beyond the line is issued again, by the new key."""
        made = self.scene.issue(NEW, 3)
        return f"日志序号 / in the log at #{made.index}"

    def look_after(self) -> str:
        """Everybody looks once more."""
        scene, later = self.scene, 6 * AN_HOUR
        self._look(ONLINE, scene.onlooker(ONLINE))
        self._look(CUT_OFF, scene.onlooker(CUT_OFF, later=later, offline=True))
        stale = scene.onlooker(STALE, later=25 * AN_HOUR, offline=True)
        self._look(STALE, stale)
        for name in (PROVEN, PAPER):
            expect("prefetch", scene.onlooker(name).prefetch().complete, True)
            alone = scene.onlooker(name, later=later, offline=True)
            self._look(name, alone, proven=name == PROVEN)
        right = len(EXPECTED) * len(COLUMNS) - 1 - len(self.told.wrong)
        return f"符合预期 / as they must be: {right}"

    def _look(self, column: str, who: Verifier, *, proven: bool = True) -> None:
        for row in ROWS:
            if row in self.scene.certificates:
                verdict = self.scene.said(who, row, proven=proven)
                self.told.seen[row, column] = verdict.code
