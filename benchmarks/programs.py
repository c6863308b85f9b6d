"""What is compiled of a circuit: a value, a gradient, many in a loop, a training."""

from collections.abc import Callable
from typing import Any

import numpy as np
from circuits import Circuit
from comparison import Framework, Program

STEPS = 100
Build = Callable[[Any, int], Program]
Builder = Callable[..., Circuit]  # of a framework


def value(circuit: Builder) -> Build:
    """One run of the circuit."""

    def build(framework: Framework, _: int) -> Program:
        function, theta = circuit(framework)
        return framework.jit(function), (theta,)

    return build


def or_identity(build: Build) -> Build:
    """The same, or for JAX alone, the identity: what JAX takes for anything."""

    def identity(framework: Framework, round_number: int) -> Program:
        if framework.ops is None:
            return framework.jit(lambda angle: angle), (np.float64(0.3),)
        return build(framework, round_number)

    return identity


def gradient(circuit: Builder) -> Build:
    """All derivatives of the circuit's value."""

    def build(framework: Framework, _: int) -> Program:
        function, theta = circuit(framework)
        return framework.jit(framework.grad(function)), (theta,)

    return build


def jacobian(circuit: Builder) -> Build:
    """All derivatives of all values of the circuit."""

    def build(framework: Framework, _: int) -> Program:
        function, theta = circuit(framework)
        return framework.jit(framework.jacobian(function)), (theta,)

    return build


def repeated(circuit: Builder, steps: int) -> Build:
    """The sum of values along a path, whose every step follows from the last value."""

    def build(framework: Framework, _: int) -> Program:
        function, theta = circuit(framework)

        def walk(theta):
            def step(carry):
                theta, total = carry
                found = function(theta)
                return theta + 0.001 * found, total + found

            return framework.loop(steps, step, (theta, 0.0))[1]

        return framework.jit(walk), (theta,)

    return build


def batch(circuit: Builder, entries: int) -> Build:
    """The values at many angles."""

    def build(framework: Framework, _: int) -> Program:
        function, theta = circuit(framework)
        random = np.random.default_rng(3)
        thetas = theta + random.normal(0, 0.1, (entries, *theta.shape))
        return framework.jit(framework.vmap(function)), (thetas,)

    return build


def training(circuit: Builder) -> Build:
    """A loop of gradient descent."""

    def build(framework: Framework, _: int) -> Program:
        energy, theta = circuit(framework)

        def step(theta):
            return theta - 0.05 * framework.grad(energy)(theta)

        def train(theta):
            return framework.loop(STEPS, step, theta)

        return framework.jit(train), (theta,)

    return build


def in_single(build: Build) -> Build:
    """The same with amplitudes in complex64."""
    return lambda framework, round_number: build(framework.single(), round_number)
