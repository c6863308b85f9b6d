"""Digests of sources: by content, which is read again if a file is listed otherwise."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qjit.runtime import object_cache, sources

OLD_NS = 10**18  # long ago


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of two files, of which one is in a folder, and an empty cache."""
    folder = tmp_path / "package"
    (folder / "runtime").mkdir(parents=True)
    for name in ("first.py", "runtime/second.py"):
        write(folder / name, "1")
    monkeypatch.setattr(sources, "PACKAGE", str(folder))
    monkeypatch.setattr(sources, "SETTLED_NS", 0)
    monkeypatch.setenv("QJIT_CACHE_DIR", str(tmp_path / "cache"))
    restart()
    yield folder
    restart()


def write(path: Path, text: str) -> None:
    """Write a file that seems to be old."""
    path.write_text(text)
    os.utime(path, ns=(OLD_NS, OLD_NS))


def restart() -> None:
    """Forget what this process has read."""
    vars(sources)["_contents"].cache_clear()


def read_again(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read from now on."""
    restart()
    found: list[str] = []
    content: Any = vars(sources)["_content"]
    monkeypatch.setattr(
        sources, "_content", lambda place: found.append(place) or content(place)
    )
    return found


def test_a_digest_is_of_contents_and_places(package: Path) -> None:
    first, second = sources.digest([""]), sources.digest(["runtime"])
    write(package / "first.py", "2")
    restart()
    assert sources.digest([""]) != first
    assert sources.digest(["runtime"]) == second
    assert sources.digest(["runtime"], "text") != second
    (package / "first.py").rename(package / "other.py")
    (package / "other.py").write_text("1")
    restart()
    assert sources.digest([""]) != first


def test_places_are_whole_names(package: Path) -> None:
    write(package / "runtime_of_others.py", "3")
    one, two = sources.digest(["runtime"]), sources.digest(["runtime/second.py"])
    assert one == two != sources.digest([""])


def test_files_listed_as_before_are_not_read(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sources.digest([""])
    read = read_again(monkeypatch)
    assert sources.digest([""]) == before and sources.changed() == OLD_NS
    assert not read


def test_a_file_of_the_same_size_and_time_is_read(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sources.digest([""])
    write(package / "first.py", "2")
    read = read_again(monkeypatch)
    assert sources.digest([""]) != before
    assert sorted(read) == ["first.py", "runtime/second.py"]


def test_a_file_that_has_just_changed_is_read_again(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SETTLED_NS", 10**12)
    before = sources.digest([""])
    read = read_again(monkeypatch)
    assert sources.digest([""]) == before
    assert len(read) == 2


def test_a_change_while_files_are_read_is_noticed(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content: Any = vars(sources)["_content"]

    def changing(place: str) -> str:
        found = content(place)
        (package / place).write_text("changed")
        return found

    monkeypatch.setattr(sources, "_content", changing)
    sources.digest([""])
    assert sources.changed() > OLD_NS
    assert not list(object_cache.directory().glob("sources-*"))
