"""Backends by name: ours, and those that other packages add."""

from pathlib import Path

import pytest

from qjit.devices.backends import registry
from qjit.devices.backends.protocol import BackendError
from qjit.errors import ArgumentError, MissingPackageError, UnsupportedError

CODE = """
class Mine:
    formats, limits = ("openqasm3",), None

    def __init__(self, url):
        self.url = url

def backend(url="here"):
    return Mine(url)

def lacking():
    import no_such_package_of_a_vendor
"""


@pytest.fixture(autouse=True)
def a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_of_a_vendor.py").write_text(CODE)
    info = tmp_path / "mine_of_a_vendor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[qjit.backends]\n"
        "mine = mine_of_a_vendor:backend\n"
        "lacking = mine_of_a_vendor:lacking\n"
        "absent = no_such_package_of_a_vendor:backend\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_a_backend_of_another_package() -> None:
    assert "mine" in registry.names()
    assert set(registry.MODULES) < set(registry.names())
    backend = registry.create("mine", {"url": "there"})
    assert vars(backend) == {"url": "there"}


def test_an_unknown_backend() -> None:
    with pytest.raises(UnsupportedError, match=r"unknown backend 'yours'.*'ionq'"):
        registry.create("yours", {})


def test_options_that_a_backend_does_not_have() -> None:
    with pytest.raises(ArgumentError, match="does not take the options port"):
        registry.create("mine", {"port": 3})


@pytest.mark.parametrize("name", ["lacking", "absent"])
def test_a_package_that_is_not_installed(name: str) -> None:
    with pytest.raises(MissingPackageError, match=f"'{name}' needs a package"):
        registry.create(name, {})


@pytest.mark.parametrize("name", registry.MODULES)
def test_each_backend_is_there_or_says_what_to_install(name: str) -> None:
    try:
        registry.create(name, {"no_such_option": 1})
    except MissingPackageError as error:
        assert "install" in str(error)
    except (ArgumentError, BackendError) as error:
        assert str(error)
