"""The chunks of a state, which are spread over the threads."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from qjit.runtime.codegen.builder import Body, Module, Value
from qjit.runtime.system.thread_pool import Region, parallel

from .state import block_count, qubits

CHUNKS_FROM, CHUNKS = 15, 16  # qubits, and chunks from then on


def chunk_count(body: Body, state: Value) -> Value:
    """In how many chunks a state is taken, whatever the number of threads."""
    large = qubits(body, state) >= CHUNKS_FROM
    return body.select(large, CHUNKS, 1)


@contextmanager
def each_chunk(
    body: Body, module: Module, state: Value, given: Sequence[Value]
) -> Generator[tuple[Region, Value]]:
    """Code for some chunks of a state, each of a number of blocks."""
    chunks = chunk_count(body, state)
    size = block_count(body, state) / chunks
    name = f"{body.name.removeprefix('__qrt__')}_chunks"
    with parallel(body, module, name, chunks, (*given, size)) as region:
        yield region._replace(given=region.given[:-1]), region.given[-1]


@contextmanager
def each_block(
    body: Body, module: Module, state: Value, given: Sequence[Value]
) -> Generator[tuple[Body, list[Value], Value]]:
    """Code for every block of a state, and what it is given."""
    with each_chunk(body, module, state, given) as (region, size):
        inner, brought, first, last, _ = region
        with inner.loop(last * size, first * size) as block:
            yield inner, brought, block
