"""Collects `.mlir` files: each RUN line is a test of what `qjit-opt` prints.

It may set the variable QJIT_WITHOUT, and end with a `filecheck` of its own prefixes.
"""

import contextlib
import io
import shlex
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options
from filecheck.parser import Parser

from qjit.lowering.driver.opt import OptMain
from qjit.lowering.kernels.schedule import segments, tiling
from qjit.lowering.kernels.schedule.planner import plan_schedule
from qjit.runtime import settings

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
        text, options = self.path.read_text(), Options(str(self.path))
        for command in self.name.split(" | "):
            if command.startswith("filecheck "):
                options.check_prefixes = command.rpartition("=")[2].split(",")
                continue
            setting, _, arguments = command.partition("qjit-opt")
            step = setting.strip().removeprefix("QJIT_WITHOUT=")
            output, source = io.StringIO(), io.BytesIO(text.encode())
            with pytest.MonkeyPatch.context() as m, contextlib.redirect_stdout(output):
                m.setattr(settings, "left_out", partial(frozenset[str], {step}))
                m.setattr(
                    segments, "plan_schedule", plan_schedule.__wrapped__
                )  # knows no steps
                m.setattr(sys, "stdin", io.TextIOWrapper(source))
                m.setattr(tiling, "second_level_cache", lambda: CACHE_BYTES)
                OptMain(args=shlex.split(arguments)).run()
            text = output.getvalue()
        found = FInput("output", text)
        assert Matcher(options, found, Parser.from_opts(options)).run() == 0, text
