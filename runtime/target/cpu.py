"""The machine the native code is made for, and how wide its vectors are."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache

from llvmlite import binding


@cache
def initialize_native() -> None:
    """Make LLVM's code generator for this machine available."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()


LEVEL2_CACHE_SIZE = 191  # for sysconf, as glibc numbers it
USUAL_CACHE_BYTES = 1 << 19


@cache
def second_level_cache() -> int:
    """Bytes of a core's second-level cache; a usual size where the system is silent."""
    try:
        size = os.sysconf(LEVEL2_CACHE_SIZE) if sys.platform == "linux" else 0
    except (OSError, ValueError):
        size = 0
    return size if size > 0 else USUAL_CACHE_BYTES


# Features that come with registers of more than 16 bytes, and of more than 32.
WIDE = ("avx", "fma", "f16c", "vaes", "vpclmulqdq", "xop")
WIDEST = ("avx512", "avx10", "evex512", "amx")


@cache
def widest() -> int:
    """How many bits a vector register may have, by the variable QJIT_VECTOR_BITS."""
    text = os.environ.get("QJIT_VECTOR_BITS", "").strip() or "512"
    if text not in ("128", "256", "512"):
        raise ValueError(f"QJIT_VECTOR_BITS is {text!r}. Give 128, 256 or 512.")
    return int(text)


@cache
def host_features() -> str:
    """The processor's feature string; full-width vectors are never avoided."""
    features = binding.get_host_cpu_features()
    without = {512: (), 256: WIDEST, 128: (*WIDEST, *WIDE)}[widest()]
    for name in features:
        if name.startswith(without):
            features[name] = False
    text = features.flatten()
    return f"{text},-prefer-256-bit" if features.get("avx512f") else text


@cache
def vector_bytes() -> int:
    """Width of the widest vector register used."""
    features = host_features().split(",")
    if "+avx512f" in features:
        return 64
    if "+avx2" in features:
        return 32
    return 16


def vector_registers() -> int:
    """How many vector registers there are."""
    is_arm = binding.get_process_triple().startswith(("aarch64", "arm64"))
    return 32 if is_arm or vector_bytes() == 64 else 16


@cache
def target_machine(optimises: bool = True) -> binding.TargetMachine:
    """A target machine for this processor, position independent, optimising or not."""
    initialize_native()
    target = binding.Target.from_triple(binding.get_process_triple())
    return target.create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=host_features(),
        opt=2 if optimises else 0,
        reloc="pic",
        codemodel="default",
    )


@dataclass(frozen=True)
class Precision:
    """One amplitude precision: its suffix and how it fills a vector register."""

    suffix: str
    real_bytes: int

    @property
    def lanes(self) -> int:
        """Amplitudes in one block: the reals of one register."""
        return vector_bytes() // self.real_bytes

    @property
    def lane_bits(self) -> int:
        """Number of basis-index bits that select a lane within a block."""
        return self.lanes.bit_length() - 1

    @property
    def block_shift(self) -> int:
        """Log2 of the bytes of one block: reals, then imaginaries."""
        return (2 * vector_bytes()).bit_length() - 1

    @property
    def unitary_tolerance(self) -> float:
        """How far from the identity U†U may be before a matrix is refused."""
        return 1e-6


C128 = Precision("c128", 8)
C64 = Precision("c64", 4)
PRECISIONS = (C128, C64)
