"""Find the ground state of a molecule with a compiled variational eigensolver.

The whole training, optimiser included, is one compiled program: it prepares the
Hartree-Fock state, applies all single and double excitations, and lets Adam turn
their angles until the energy is lowest.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax

import qjit as qj
from qjit.data import MOLECULES, Molecule, excitations, molecule

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CHEMICAL_ACCURACY = 1.6e-3  # hartree


def energy_function(problem: Molecule) -> tuple[Callable[..., Any], int]:
    """Return the energy as a quantum function of the angles, and their number."""
    singles, doubles = excitations(problem.electrons, problem.qubits)
    hamiltonian = problem.hamiltonian()

    @qj.qnode(wires=problem.qubits)
    def energy(theta):
        qj.BasisState(problem.hf_state, wires=range(problem.qubits))
        for index, wires in enumerate(doubles):
            qj.DoubleExcitation(theta[index], wires=wires)
        for index, wires in enumerate(singles, start=len(doubles)):
            qj.SingleExcitation(theta[index], wires=wires)
        return qj.expval(hamiltonian)

    return energy, len(singles) + len(doubles)


def training(
    energy: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    steps: int,
    show: Callable[..., None],
) -> Callable[..., Any]:
    """Return the compiled training: initial angles to final angles and energies."""
    every = max(1, steps // 10)

    @qj.qjit
    def train(theta):
        def step(state, index):
            theta, memory = state
            value, gradient = jax.value_and_grad(energy)(theta)
            jax.lax.cond(
                (index % every == 0) | (index == steps - 1),
                lambda: jax.debug.callback(show, index, value),
                lambda: None,
            )
            updates, memory = optimizer.update(gradient, memory)
            return (optax.apply_updates(theta, updates), memory), value

        state = theta, optimizer.init(theta)
        (theta, _), energies = jax.lax.scan(step, state, jnp.arange(steps))
        return theta, energies

    return train


def plot(problem: Molecule, energies: np.ndarray, output: Path) -> None:
    """Draw how the energy approaches the exact one."""
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(7, 6))
    above.plot(energies, label="VQE")
    above.axhline(problem.hf_energy, color="grey", ls="--", label="Hartree-Fock")
    above.axhline(problem.ground_energy, color="black", ls=":", label="exact")
    above.set(
        title=f"{problem.name}, {problem.qubits} qubits", ylabel="energy (hartree)"
    )
    above.legend()
    below.semilogy(np.maximum(energies - problem.ground_energy, 1e-12))
    below.axhline(CHEMICAL_ACCURACY, color="grey", ls="--", label="chemical accuracy")
    below.set(xlabel="step", ylabel="error (hartree)")
    below.legend()
    figure.tight_layout()
    figure.savefig(output, dpi=120)


def main() -> None:
    """Train on one molecule, and say what came out and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("molecule", nargs="?", default="lih", choices=MOLECULES)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.02)
    parser.add_argument("--output", type=Path, default=Path("vqe.png"))
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be at least 1")
    jax.config.update("jax_enable_x64", True)

    problem = molecule(options.molecule)
    energy, count = energy_function(problem)
    print(
        f"{problem.name}: {problem.qubits} qubits, {len(problem.words)} Pauli words, "
        f"{count} angles"
    )

    def show(index: Any, value: Any) -> None:
        value = float(value)
        error = value - problem.ground_energy
        print(f"  step {int(index):4}  {value:.8f}  error {error:.2e}", flush=True)

    optimizer = optax.adam(options.learning_rate)
    train = training(energy, optimizer, options.steps, show)
    theta = jnp.zeros(count)
    started = time.perf_counter()
    compiled = train.lower(theta).compile()
    ready = time.perf_counter()
    _, energies = jax.block_until_ready(compiled(theta))
    finished = time.perf_counter()

    energies = np.asarray(energies)
    running = finished - ready
    print(f"Hartree-Fock  {problem.hf_energy:.8f} hartree")
    print(f"VQE           {energies[-1]:.8f} hartree")
    print(f"exact         {problem.ground_energy:.8f} hartree")
    print(f"error         {energies[-1] - problem.ground_energy:.2e} hartree")
    print(
        f"compiled in {ready - started:.2f} s, ran {options.steps} steps in "
        f"{running:.2f} s ({1e3 * running / options.steps:.2f} ms each)"
    )
    plot(problem, energies, options.output)
    print(f"convergence plot: {options.output}")


if __name__ == "__main__":
    main()
