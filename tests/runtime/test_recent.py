"""Tables of a long process have a bound, and what a program needs stays."""

import gc
import pickle
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.native import host_calls, link
from qjit.runtime import recent
from qjit.runtime.recent import Recent


def test_what_was_not_used_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 3)
    table: Recent[int, str] = Recent()
    for number in range(3):
        table[number] = str(number)
    assert table.get(0) == "0"
    table[3] = "3"
    assert list(table) == [2, 0, 3]
    assert table.get(1) is None
    assert pickle.loads(pickle.dumps(table)) == {}


def test_traces_of_a_quantum_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 4)

    def function(angles: Any, power: str = "a") -> Any:
        qj.RX(jnp.sum(angles), 0)
        return qj.expval(qj.Z(0))

    circuit, special = qj.qnode(wires=1)(function), qj.qnode(wires=1)(function)
    first = circuit(jnp.ones(1))
    for size in range(2, 10):
        jax.make_jaxpr(circuit)(jnp.ones(size))
        jax.make_jaxpr(circuit.with_shots(size))(jnp.ones(1))
        jax.make_jaxpr(lambda x, n=size: special(x, f"{n}"))(jnp.ones(1))
    tables = [
        vars(circuit)["_cache"],
        vars(circuit)["_other_shots"],
        vars(special)["_by_static"],
    ]
    assert [len(table) for table in tables] == [4, 4, 4]
    assert circuit(jnp.ones(1)) == first
    np.testing.assert_allclose(first, np.cos(1), atol=1e-6)


def test_equal_programs_are_loaded_once() -> None:
    def made(scale: float) -> Any:
        function = qj.qjit(lambda x: jnp.sin(x) * scale)
        assert np.isclose(function(0.5), np.sin(0.5) * scale)
        return function

    live = made(2.0)
    tables = [vars(link)[name] for name in ("_targets", "_describers", "_loaded")]
    sizes = list(map(len, tables))
    dropped = [weakref.ref(made(2.0)) for _ in range(50)]
    gc.collect()
    assert [reference() for reference in dropped] == [None] * 50
    assert list(map(len, tables)) == sizes
    made(3.0)
    assert len(tables[0]) == sizes[0] + 1
    assert np.isclose(live(0.25), np.sin(0.25) * 2)


def test_programs_of_other_lines_describe_their_own_errors() -> None:
    def first(x: Any) -> Any:
        qj.debug_assert(x > 0, "first")
        return x * 2

    def second(x: Any) -> Any:
        qj.debug_assert(x > 0, "second")
        return x * 2

    second.__name__ = first.__name__
    for function, text in ((first, "first"), (second, "second")):
        with pytest.raises(Exception, match=f"test_recent.py.*{text}"):
            qj.qjit(function)(-1.0)


def test_messages_of_threads_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST", 2)
    failed: Recent[int, str] = Recent()
    monkeypatch.setattr(host_calls, "_failures", failed)
    for thread in range(5):
        failed[thread] = "failed"
    assert list(failed) == [3, 4]
    assert host_calls.host_error_text() == "a host call failed."
