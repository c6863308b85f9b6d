"""Settings of all tests: 64-bit JAX, unless a test turns it off itself."""

import gc
import os
import zlib

import jax
import pytest

os.environ["QJIT_VERIFY"] = "1"  # after every pass
jax.config.update("jax_enable_x64", True)
# What XLA compiles runs once: making it fast takes longer than it saves.
jax.config.update("jax_disable_most_optimizations", True)
if jax.__version_info__ < (0, 11):  # others may not know it, which ends the process
    flags = os.environ.get("XLA_FLAGS", ""), "--xla_cpu_use_fusion_emitters=false"
    os.environ["XLA_FLAGS"] = " ".join(flags).strip()
# Thousands of programs live on in a process: looking through them all takes long.
gc.set_threshold(50_000, 20, 50)

# A fifth of all compile time: of every four tests, which is enough to find wrong
# promises to LLVM, one has its programs optimised, always the same. All have with
# QJIT_EXAMPLES, which is set to look further.
SHARE_OPTIMISED = 1 if "QJIT_EXAMPLES" in os.environ else 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take a part of the tests."""
    help_ = "run one of every N tests, always the same"
    parser.addoption("--every", type=int, default=1, metavar="N", help=help_)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what is not in the part that was asked for."""
    every: int = config.getoption("every") or 1
    parts: tuple[list[pytest.Item], list[pytest.Item]] = [], []
    for item in items:
        parts[zlib.crc32(item.nodeid.encode()) % every == 0].append(item)
    left, items[:] = parts
    config.hook.pytest_deselected(items=left)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Choose whether LLVM optimises the programs of a test."""
    number = zlib.crc32(item.nodeid.encode())
    os.environ["QJIT_OPTIMIZE"] = str(int(number % SHARE_OPTIMISED == 0))
