"""Collects `.mlir` files: each RUN line is a test of what `qjit-opt` prints."""

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options
from filecheck.parser import Parser

from qjit.lowering.sweeps import tiling
from qjit.opt import OptMain

CACHE_BYTES = 1 << 19  # of the second level, whatever the machine has


def pytest_collect_file(file_path: Path, parent: pytest.Dir) -> "MlirFile | None":
    mlir = file_path.suffix == ".mlir"
    return MlirFile.from_parent(parent, path=file_path) if mlir else None


class MlirFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        for line in self.path.read_text().splitlines():
            if line.startswith("// RUN: "):
                yield RunLine.from_parent(self, name=line.removeprefix("// RUN: "))


class RunLine(pytest.Item):
    def runtest(self) -> None:
        text = self.path.read_text()
        for command in self.name.split(" | "):
            output, source = io.StringIO(), io.BytesIO(text.encode())
            with pytest.MonkeyPatch.context() as m, contextlib.redirect_stdout(output):
                m.setattr(sys, "stdin", io.TextIOWrapper(source))
                m.setattr(tiling, "second_level_cache", lambda: CACHE_BYTES)
                OptMain(args=command.split()[1:]).run()
            text = output.getvalue()
        options, found = Options(str(self.path)), FInput("output", text)
        assert Matcher(options, found, Parser.from_opts(options)).run() == 0, text
