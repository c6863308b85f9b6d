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
from qjit.lowering.native import python_callbacks


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


def test_threads_that_fail_at_once_raise_their_own_exceptions() -> None:
    """A callback may raise what is no `Exception`; each call gets that of its own."""

    class Stop(BaseException):
        pass

    def fails(number: Any) -> Any:
        raise Stop(int(number))

    def program(x: Any) -> Any:
        return jax.pure_callback(fails, jax.ShapeDtypeStruct((), np.int64), x) + 1

    compiled = [qj.qjit(program) for _ in range(2)]
    for each in compiled:
        each.lower(0)
    wrong: list[BaseException] = []
    start = threading.Barrier(len(compiled))

    def calls(worker: int) -> None:
        start.wait()
        for turn in range(worker, 400, len(compiled)):
            try:
                compiled[worker](turn)
            except BaseException as error:
                if type(error) is not Stop or error.args != (turn,):
                    wrong.append(error)
            else:
                wrong.append(AssertionError("nothing was raised"))

    threads = [threading.Thread(target=calls, args=(n,)) for n in range(len(compiled))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not vars(python_callbacks)["_raised"]


def test_exceptions_that_nobody_asks_for_are_dropped() -> None:
    def fails(_: Any) -> Any:
        raise SystemExit

    program = qj.qjit(lambda x: jax.pure_callback(fails, x, x))
    of_jax = program.lower(0.3).compile().stage
    kept = vars(python_callbacks)["_raised"]
    assert kept.maxlen == python_callbacks.MOST_RAISED
    with pytest.raises(Exception, match=r"\[QJIT:254\] the program was interrupted"):
        jax.block_until_ready(of_jax(0.3))
    assert len(kept) == 1
    with pytest.raises(SystemExit):
        program(0.3)
    kept.clear()
