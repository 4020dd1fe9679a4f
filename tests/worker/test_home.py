"""The data folder: locks, private files, and what `reset` takes away."""

import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from certsvc import bootstrap
from certsvc.cli import cli
from certsvc.home import HomeInUse, at_work, write_private
from certsvc.service.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "var"
    write_private(home / "keys.passphrase", b"secret\n")
    (home / "keys").mkdir()
    (home / "keys" / "one.json").write_text("{}")
    (home / "certsvc.db").write_bytes(b"")
    return home


def reset(home: Path, **environ: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        cli, ["reset", "--yes"], env={"CERTSVC_HOME": str(home), "CERTSVC_ENV": "", **environ}
    )
    return done.exit_code, done.output


def test_reset_removes_the_folder_that_is_all_ours(home: Path) -> None:
    assert reset(home)[0] == 0
    assert not home.exists()


def test_reset_keeps_what_is_not_ours(home: Path) -> None:
    (home / "thesis.txt").write_text("not ours")
    code, said = reset(home)
    assert code == 0
    assert "thesis.txt" in said
    assert [path.name for path in home.iterdir()] == ["thesis.txt"]


def test_a_folder_of_keys_alone_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "id_ed25519").write_text("somebody's")
    assert reset(tmp_path)[0] == 1
    assert (tmp_path / "keys" / "id_ed25519").is_file()


def test_reset_follows_a_link_and_keeps_it(home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(home)
    assert reset(link)[0] == 0
    assert link.is_symlink()
    assert list(link.iterdir()) == []


def test_reset_does_not_pull_the_floor_from_under_a_running_world(home: Path) -> None:
    with at_work(home, alone=False, wait=True):
        code, said = reset(home)
    assert code == 1
    assert "certsvc up" in said
    assert (home / "keys.passphrase").is_file()


def test_reset_refuses_outside_a_demo(home: Path) -> None:
    assert reset(home, CERTSVC_ENV="production")[0] == 1
    assert (home / "keys.passphrase").is_file()


def test_many_may_run_and_one_alone_sets_up(tmp_path: Path) -> None:
    with at_work(tmp_path, alone=False, wait=True), at_work(tmp_path, alone=False, wait=False):
        with pytest.raises(HomeInUse) as caught, at_work(tmp_path, alone=True, wait=False):
            pass
        assert caught.value.code == "home_in_use"
    with at_work(tmp_path, alone=True, wait=False):
        pass


def test_two_first_starts_at_once_make_one_world(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "var")
    said: list[str] = []
    starts = [
        threading.Thread(
            target=bootstrap.initialise,
            args=(settings,),
            kwargs={"now": 1_798_761_600, "report": said.append},
        )
        for _ in range(2)
    ]
    for one in starts:
        one.start()
    for one in starts:
        one.join(60)
    assert bootstrap.is_initialised(settings)
    assert len([line for line in said if "database" in line]) == 1
    assert len(bootstrap.demo_clients(settings)) == 2


def test_a_client_whose_secret_was_lost_gets_another_name(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "var")
    bootstrap.initialise(settings, now=1_798_761_600, report=lambda _: None)
    (client, _) = bootstrap.demo_clients(settings)
    client.path.unlink()
    settings.trust_root.unlink()
    bootstrap.initialise(settings, now=1_798_761_600, report=lambda _: None)
    assert bootstrap.demo_clients(settings)[0].client_id == f"{client.client_id}-2"


def test_what_is_private_is_so_from_the_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_private(path, b"one")
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["secret"]
