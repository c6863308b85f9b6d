"""What generates the runtime's code, and the symbols that each generator defines."""

from __future__ import annotations

from typing import NamedTuple


class Generator(NamedTuple):
    """The module and function that write LLVM assembly, and the symbols in it."""

    module: str
    function: str
    symbols: tuple[str, ...]


def _generator(module: str, function: str, symbols: str) -> Generator:
    return Generator(module, function, tuple(symbols.split()))


SINGLE = {
    "context": _generator(
        "statevector.state",
        "context_module",
        "context_free context_new context_seed entropy memory_free memory_new random"
        " tape_clear tape_new",
    ),
    "execution_keys": _generator(
        "statevector.execution_keys",
        "execution_keys_module",
        "execution_key run_key",
    ),
    "gather_parameters": _generator(
        "statevector.executor.gather_parameters",
        "gather_module",
        "gather_f32 gather_f64 shift",
    ),
    "null": _generator(
        "null",
        "module",
        "null_resources_c128 null_resources_c64 null_run_c128 null_run_c64"
        " null_state_free_c128 null_state_free_c64 null_state_new_c128"
        " null_state_new_c64",
    ),
    "parallel_for": _generator(
        "statevector.parallel_for", "parallel_for_module", "for_each stopped"
    ),
    "path_tree": _generator(
        "statevector.branching.path_tree",
        "path_tree_module",
        "paths_begin paths_decide paths_end paths_level paths_next paths_recorded"
        " paths_rows",
    ),
    "random": _generator("system.random", "random_module", "binomial shuffle"),
    "sincos": _generator("codegen.sincos", "sincos_module", "sincos"),
    "thread_pool": _generator(
        "system.thread_pool", "thread_pool_module", "parallel set_threads workers"
    ),
}

# Modules whose function `module` writes code for one precision, the suffix of symbols.
FAMILIES = {
    module: _generator(module, "module", symbols)
    for module, symbols in {
        "statevector.state": "state_free state_new state_raw",
        "statevector.kernels.arithmetic": (
            "add_amplitudes amplitudes axpy dot state_blank state_copy state_zero"
        ),
        "statevector.kernels.pairs": "pair pair_matrix pair_pauli pair_plan",
        "statevector.kernels.diagonal": "diagonal diagonal_adjoint",
        "statevector.kernels.dense": "correlate dense",
        "statevector.kernels.pauli_sums": "pauli_apply pauli_expval pauli_expvals",
        "statevector.kernels.probabilities": (
            "all_probabilities apply_matrix density_matrix marginal probs state_prep"
        ),
        "statevector.kernels.sampling": "counts sample",
        "statevector.kernels.wires": "wire_bits",
        "statevector.executor.execute": (
            "decode execute made matrix_of pauli_plan plan ready record record_run"
            " run_one"
        ),
        "statevector.executor.forward": "run run_stages",
        "statevector.executor.composed": "run_composed run_large",
        "statevector.executor.tiles": (
            "compress enter_slot merge product run_slot stage_move two_by_two"
        ),
        "statevector.executor.tile_ops": "run_step settle_step split_matrix",
        "statevector.executor.fused_diagonals": (
            "begin_phases fill_ones join_pair phases vary"
        ),
        "statevector.executor.fuse_gates": "compose",
        "statevector.executor.adjoint": (
            "add_gradients adjoint adjoint_batch adjoint_gate checkpoint pair_adjoint"
            " step_back"
        ),
        "statevector.executor.adjoint_tiles": "adjoint_stages",
        "statevector.executor.state_preparation_adjoint": "state_preparation_adjoint",
        "statevector.branching.mid_circuit": "measure paths_state",
        "devices.gates": "device_run device_state_free device_state_new",
        "devices.outcomes": (
            "device_counts device_measure device_paths_end device_paths_next"
            " device_read device_sample"
        ),
    }.items()
}
