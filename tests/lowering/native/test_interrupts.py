"""Signals stop running programs, and polling for them is rare."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj


@qj.qnode(wires=2)
def energy(angle: Any) -> Any:
    qj.RX(angle, wires=0)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1))


def endless(x: Any) -> Any:
    return jax.lax.while_loop(lambda c: c[0] >= 0, lambda c: (c[0] + 1, c[1]), (0, x))


def long(x: Any) -> Any:
    return jax.lax.fori_loop(0, 10**13, lambda _, x: 3.7 * x * (1 - x), x)


def nested(x: Any) -> Any:
    def body(_: Any, x: Any) -> Any:
        return jax.lax.fori_loop(0, 100, lambda _, x: jnp.sin(x) + 1, x)

    return jax.lax.fori_loop(0, 10**11, body, x)


def descent(x: Any) -> Any:
    return jax.lax.fori_loop(0, 10**11, lambda _, x: x - jax.grad(energy)(x), x)


def calling(x: Any) -> Any:
    def body(_: Any, x: Any) -> Any:
        return jax.pure_callback(np.asarray, x, x)

    return jax.lax.fori_loop(0, 10**11, body, x)


def start_after(seconds: float, action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def interrupt_after(seconds: float, compiled: Any) -> None:
    timer = start_after(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        compiled(0.3)
    timer.join()


@pytest.mark.parametrize("function", [endless, long, nested, descent, calling])
def test_control_c(function: Any) -> None:
    compiled = qj.qjit(function)
    compiled.lower(0.3)
    interrupt_after(0.5, compiled)
    assert qj.qjit(energy)(0.0) == 1


def test_control_c_at_any_point_of_a_host_call() -> None:
    compiled = qj.qjit(calling)
    compiled.lower(0.3)
    for milliseconds in range(40, 100):
        interrupt_after(milliseconds / 1000, compiled)


def test_handlers_of_users_raise_their_own_exceptions() -> None:
    def alarm(*_: Any) -> None:
        raise TimeoutError("too slow")

    previous = signal.signal(signal.SIGALRM, alarm)
    compiled = qj.qjit(long)
    compiled.lower(0.3)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(TimeoutError, match="too slow"):
            compiled(0.3)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_signals_that_stop_nothing_are_handled_on_the_way() -> None:
    seen: list[int] = []
    previous = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))

    def counted(x: Any) -> Any:
        return jax.lax.fori_loop(0, 3 * 10**8, lambda _, x: 3.7 * x * (1 - x), x)

    timer = start_after(0.8, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        assert 0 < qj.qjit(counted)(0.3) < 1
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, previous)
    assert seen == [signal.SIGUSR1]


def test_short_loops_do_not_poll() -> None:
    def steps(count: int) -> Any:
        return lambda x: jax.lax.fori_loop(0, count, lambda _, x: x * 0.5, x)

    def polls(function: Any) -> int:
        """Count the calls of the function that polls, but not its declaration."""
        return max(0, qj.qjit(function).stages(1.0)["ir"].count("__qjit__poll") - 1)

    assert polls(steps(1000)) == 0
    assert polls(steps(10**9)) == 1
    assert polls(nested) == 1
