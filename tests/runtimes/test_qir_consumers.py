"""Programs in QIR, written by hand, read by packages of others."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.qir_consumers import check_pyqir, check_qir, qircheck_takes

pytest.importorskip("pyqir", reason="the packages of vendors: make runtimes")

PROGRAMS = Path(__file__).with_name("programs")


@pytest.mark.parametrize(
    ("name", "profile"),
    [("bell", "base"), ("order", "base"), ("repeat", "adaptive")],
)
def test_programs_are_taken(name: str, profile: str) -> None:
    check_qir((PROGRAMS / f"{name}.ll").read_text(), profile)


def test_profiles_are_compared() -> None:
    text = (PROGRAMS / "bell.ll").read_text()
    with pytest.raises(AssertionError):
        check_pyqir(text, "adaptive")
    assert qircheck_takes(text) == bool(find_spec("quantinuum_qircheck"))
    assert not qircheck_takes(text.replace("__cz__", "__cx__"))


def test_missing_flags_are_refused() -> None:
    qir_qis = pytest.importorskip("qir_qis")
    text = (PROGRAMS / "bell.ll").read_text().replace("!{!0, !1, !2, !3}", "!{!0, !1}")
    with pytest.raises(qir_qis.ValidationError, match="dynamic_qubit_management"):
        check_qir(text, "base")
