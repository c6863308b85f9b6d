"""What `from_qasm` says where it cannot read at all."""

import sys
from typing import Any

import pytest

import qjit as qj
from qjit.errors import ArgumentError, MissingPackageError


def test_the_missing_parser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openqasm3.parser", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'qjit\[qasm\]'"):
        qj.from_qasm("OPENQASM 3.0; qubit q;")


@pytest.mark.parametrize("text", [3, None, b"qubit q;"])
def test_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(ArgumentError, match="from_qasm takes the text of a program"):
        qj.from_qasm(text)
