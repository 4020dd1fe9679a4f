import os
import stat
from pathlib import Path

import pytest

from certsvc.publishing.errors import PathUnsafe, PublisherFenced, TreeUnreadable
from certsvc.publishing.tree import PublishedTree


def test_what_is_written_is_read(tree: PublishedTree) -> None:
    assert tree.read("a/b/c.json") is None
    tree.write("a/b/c.json", b"one")
    assert tree.read("a/b/c.json") == b"one"
    tree.write("a/b/c.json", b"two")
    assert tree.read("a/b/c.json") == b"two"
    assert tree.exists("a/b/c.json")
    assert not tree.exists("a/b")
    assert tree.names("a/b") == ("c.json",)
    assert tree.names("a/none") == ()
    assert tree.read("a/b/c.json/d") is None


def test_everybody_may_read(tree: PublishedTree) -> None:
    tree.write("a", b"")
    assert stat.S_IMODE((tree.root / "a").stat().st_mode) == 0o644


def test_equal_file_stays(tree: PublishedTree) -> None:
    assert tree.write_if_changed("a", b"one")
    before = (tree.root / "a").stat().st_ino
    assert not tree.write_if_changed("a", b"one")
    assert (tree.root / "a").stat().st_ino == before
    assert tree.write_if_changed("a", b"two")


def test_well_known_is_the_only_name_with_a_dot(tree: PublishedTree) -> None:
    tree.write(".well-known/x", b"1")
    for path in (".hidden", "a/.well-known/x", ".well-known/.x"):
        with pytest.raises(PathUnsafe):
            tree.write(path, b"1")


UNSAFE = ["/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "a:b"]
UNSAFE += ["", "é", "~", "-a", "a b", "a\0", "a\n", "x" * 201, "a/" + "x" * 201]


@pytest.mark.parametrize("path", UNSAFE)
def test_unsafe_path_is_refused(tree: PublishedTree, path: str) -> None:
    for ask in (tree.read, tree.exists, tree.names, lambda path: tree.write(path, b"")):
        with pytest.raises(PathUnsafe):
            ask(path)


def test_link_does_not_lead_out(tree: PublishedTree, tmp_path: Path) -> None:
    tree.write("a", b"")
    (tmp_path / "outside").mkdir()
    (tree.root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(PathUnsafe):
        tree.write("link/file", b"x")
    assert list((tmp_path / "outside").iterdir()) == []


def test_failed_write_leaves_the_old_file(
    tree: PublishedTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.write("a/b", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        tree.write("a/b", b"new")
    monkeypatch.undo()
    assert tree.read("a/b") == b"old"
    assert [path.name for path in (tree.root / "a").iterdir()] == ["b"]


def test_unreadable_file_is_named(tree: PublishedTree) -> None:
    (tree.root / "folder").mkdir(parents=True)
    with pytest.raises(TreeUnreadable, match="folder"):
        tree.read("folder")
    with (tree.root / "large").open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    with pytest.raises(TreeUnreadable, match="large"):
        tree.read("large")


def test_half_written_file_is_not_listed(tree: PublishedTree) -> None:
    tree.write("a/b", b"")
    (tree.root / "a" / ".new-x").write_bytes(b"half")
    assert tree.names("a") == ("b",)


def test_the_fence_only_rises(tree: PublishedTree) -> None:
    assert tree.fence() == 0
    for fence in (0, 3, 3, 7):
        with tree.exclusive(fence):
            assert tree.fence() == fence
    with pytest.raises(PublisherFenced), tree.exclusive(6):
        pytest.fail("it was let in")
    # What a person does by hand holds no lease, and lowers nothing.
    with tree.exclusive():
        assert tree.fence() == 7


def test_a_damaged_fence_lets_no_publisher_in(tree: PublishedTree) -> None:
    with tree.exclusive(3):
        pass
    (tree.root / ".fence").write_bytes(b"many")
    with pytest.raises(TreeUnreadable), tree.exclusive(4):
        pytest.fail("it was let in")


def test_what_is_removed_is_gone(tree: PublishedTree) -> None:
    tree.write("a/b", b"x")
    tree.remove("a/b")
    tree.remove("a/b")
    assert tree.read("a/b") is None
    with pytest.raises(PathUnsafe):
        tree.remove("../a")
