"""python-tuf has no clock parameter; these are the names this package uses in its place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import ExpiredMetadataError, RepositoryError
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType
from tuf.ngclient.updater import Updater


def test_reference_time_decides_expiry(sim: Any, now: int) -> None:
    timestamp = sim.mirror.files["https://certs.example/trust/metadata/timestamp.json"]
    for seconds, good in ((now, True), (now + 86_399, True), (now + 86_400, False)):
        trusted = TrustedMetadataSet(sim.pinned, EnvelopeType.METADATA)
        assert isinstance(trusted.reference_time, datetime)
        trusted.reference_time = datetime.fromtimestamp(seconds, UTC)
        if good:
            assert trusted.update_timestamp(timestamp).version == 1
        else:
            with pytest.raises(ExpiredMetadataError):
                trusted.update_timestamp(timestamp)


def test_updater_judges_by_its_trusted_set(sim: Any, tmp_path: Path, now: int) -> None:
    for seconds, good in ((now, True), (now + 86_400, False)):
        updater = Updater(
            str(tmp_path),
            "https://certs.example/trust/metadata/",
            fetcher=sim.mirror,
            bootstrap=sim.pinned,
        )
        assert type(updater._trusted_set) is TrustedMetadataSet
        updater._trusted_set.reference_time = datetime.fromtimestamp(seconds, UTC)
        if good:
            updater.refresh()
        else:
            with pytest.raises(ExpiredMetadataError):
                updater.refresh()


def test_updater_loads_a_role_by_name(sim: Any, tmp_path: Path, now: int) -> None:
    """A hash bin has no path that is known beforehand; `get_targetinfo` takes nothing else."""
    updater = Updater(
        str(tmp_path),
        "https://certs.example/trust/metadata/",
        fetcher=sim.mirror,
        bootstrap=sim.pinned,
    )
    updater._trusted_set.reference_time = datetime.fromtimestamp(now, UTC)
    updater.refresh()
    targets = updater._load_targets("999900", "targets")
    assert list(targets.targets) == ["issuers/999900/119999000000000198.json"]
    assert updater._trusted_set.targets.delegations is not None
    assert "999900.json" in updater._trusted_set.snapshot.meta
    with pytest.raises(RepositoryError):
        updater._load_targets("999700", "targets")
