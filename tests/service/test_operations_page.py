"""docs/operations.md lists every metric with its labels, and alerts on metrics that exist."""

import re
from pathlib import Path

from certsvc.service.metrics import Metrics

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_table_is_the_code() -> None:
    listed = re.findall(r"^\| `(certsvc_\w+)` \| ((?:`\w+` ?)*) ?\| (.+) · (.+) \|$", PAGE, re.M)
    rows = [(name, tuple(re.findall(r"\w+", labels)), en) for name, labels, _, en in listed]
    known = [(name, labels, text) for name, (text, labels) in Metrics().names().items()]
    assert sorted(rows) == sorted(known)


def test_alerts_name_metrics() -> None:
    section = PAGE.partition("### 值得设的告警")[2].partition("\n## ")[0]
    named = set(re.findall(r"certsvc_\w+", section))
    assert len(named) > 8
    assert named <= set(Metrics().names())
