"""The native symbols that compiled programs may call.

A signature is `result(arguments)` in LLVM's type names. Names that end in `_T` exist
for both precisions, with the suffix `c128` or `c64` in place of `T`. Programs are
compiled by these tables: what they call of the runtime and of the process is in them.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Symbol(NamedTuple):
    """A native function: its signature, and what it does."""

    signature: str
    doc: str

    @property
    def types(self) -> tuple[str, tuple[str, ...]]:
        """The types of its result and of its arguments, in LLVM's names."""
        result, _, arguments = self.signature.rstrip(")").partition("(")
        return result, tuple(each.split()[0] for each in arguments.split(",") if each)


SYMBOLS: dict[str, Symbol] = {
    "__qrt__context_new": Symbol(
        "ptr(i64 seed, i64 has_seed)",
        "Begin a program call: owner of states and a tape.",
    ),
    "__qrt__context_free": Symbol(
        "void(ptr)", "End a program call and free what it owns."
    ),
    "__qrt__context_seed": Symbol(
        "void(ptr context, i64 key)", "Begin the stream of random numbers of a key."
    ),
    "__qrt__execution_key": Symbol(
        "i64(ptr context, i64 seed, i64 has_seed)",
        "The key of the context's next circuit execution. Without a seed, that of the"
        " context is taken.",
    ),
    "__qrt__run_key": Symbol(
        "i64(i64 run, i64 site, i64 seed)",
        "The key of the next execution of the circuit that stands at this site of a"
        " program of XLA, in this run of it.",
    ),
    "__qrt__tape_new": Symbol("ptr(ptr context)", "The context's tape, emptied."),
    "__qrt__tape_clear": Symbol("void(ptr tape)", "Forget what is on a tape."),
    "__qrt__random": Symbol("double(ptr context)", "A uniform number in [0, 1)."),
    "__qrt__for_each": Symbol(
        "i64(ptr function, ptr arguments, i64 count, i64 least, i64 each, i64 size,"
        " ptr workspace, ptr context, ptr poll, i64 period)",
        "Call function(arguments, number, workspace, context) for every number below"
        " count, on all threads if there are `least`, and `each` for each thread."
        " Workspaces have `size` bytes. Every `period` entries, a power of two, the"
        " calling thread calls poll(), which may be null. Returns 0 or the status of"
        " the lowest entry that failed.",
    ),
    "__qrt__stopped": Symbol(
        "i64(ptr context)",
        "Whether an entry of a batch need not go on: 0 or a status.",
    ),
    "__qrt__state_new_T": Symbol(
        "ptr(ptr context, i64 n)", "The state |0...0>, or null if memory is short."
    ),
    "__qrt__state_free_T": Symbol("void(ptr context, ptr state)", "Give a state back."),
    "__qrt__state_copy_T": Symbol("ptr(ptr context, ptr state)", "A copy of a state."),
    "__qrt__state_blank_T": Symbol(
        "ptr(ptr context, ptr state)", "One as large, with all amplitudes 0."
    ),
    "__qrt__run_T": Symbol(
        "i64(ptr state, ptr entries, i64 count, ptr wires, ptr params, ptr slots,"
        " ptr tape)",
        "Run a schedule and record it; slots, tape may be null. Returns 0 or code |"
        " location << 8.",
    ),
    "__qrt__run_large_T": Symbol(
        "i64(ptr state, ptr entries, i64 count, ptr wires, ptr params, ptr slots,"
        " ptr tape)",
        "The same for a state of at least COMPOSED_FROM qubits.",
    ),
    "__qrt__record_run_T": Symbol(
        "i64(ptr state, ptr entries, i64 count, ptr wires, ptr params, ptr slots,"
        " ptr tape, ptr adjoint)",
        "Record a schedule that was run on a state, with a function(record, ket, bra,"
        " gradient) that undoes it; slots may be null. Returns 0 or a code.",
    ),
    "__qrt__gather_f64": Symbol(
        "void(ptr target, ptr source, ptr table, i64 count)",
        "Copy doubles by a table of pairs: from where, to where.",
    ),
    "__qrt__gather_f32": Symbol(
        "void(ptr target, ptr source, ptr table, i64 count)",
        "Copy floats by a table of pairs into doubles.",
    ),
    "__qrt__shift": Symbol(
        "void(ptr slots, ptr places, i64 count, i32 shift)",
        "Add a number to the slots at some places.",
    ),
    "__qrt__adjoint_T": Symbol(
        "void(ptr tape, ptr ket, ptr bra, ptr grads)",
        "Undo a tape on ket and bra, adding the derivatives to grads; then clear it.",
    ),
    "__qrt__adjoint_batch_T": Symbol(
        "void(ptr tape, ptr kets, ptr bras, ptr grads)",
        "The same for entries of a batch, as many as a register has lanes, which were"
        " recorded in turns.",
    ),
    "__qrt__checkpoint_T": Symbol(
        "i64(ptr context, ptr state, ptr tape, ptr entry)",
        "Keep a copy of a state on a tape. Returns 0 or a code.",
    ),
    "__qrt__pauli_expval_T": Symbol(
        "double(ptr state, i64 terms, ptr xmasks, ptr zmasks, ptr coeffs)",
        "Expectation of a sum of Pauli words; terms of equal xmask stand together.",
    ),
    "__qrt__pauli_expvals_T": Symbol(
        "void(ptr state, i64 terms, ptr xmasks, ptr zmasks, ptr out)",
        "Expectation of each Pauli word.",
    ),
    "__qrt__pauli_apply_T": Symbol(
        "void(ptr ket, ptr bra, i64 terms, ptr xmasks, ptr zmasks, ptr coeffs)",
        "bra += sum of Pauli words applied to ket.",
    ),
    "__qrt__apply_matrix_T": Symbol(
        "void(ptr state, i64 k, ptr wires, ptr matrix)", "Apply any matrix to k wires."
    ),
    "__qrt__axpy_T": Symbol("void(double a, ptr x, ptr y)", "y += a x."),
    "__qrt__add_amplitudes_T": Symbol(
        "void(ptr state, ptr amplitudes)", "state += interleaved complex doubles."
    ),
    "__qrt__record_T": Symbol(
        "i64(ptr tape, ptr entries, i64 count, ptr wires, ptr params, ptr slots,"
        " ptr adjoint)",
        "Append entries that have been carried out to a tape; slots may be null, and"
        " so may a function(record, ket, bra, gradient) that undoes them.",
    ),
    "__qrt__dot_T": Symbol("void(ptr x, ptr y, ptr out)", "<x|y> as two doubles."),
    "__qrt__probs_T": Symbol(
        "i64(ptr state, i64 k, ptr wires, ptr out)", "Probabilities of k wires."
    ),
    "__qrt__amplitudes_T": Symbol(
        "void(ptr state, ptr out)", "Interleaved amplitudes."
    ),
    "__qrt__state_prep_T": Symbol(
        "i64(ptr state, i64 k, ptr wires, ptr amplitudes, i64 checked, i64 location)",
        "Give k wires, which are in |0>, a state; `checked` asks for norm one.",
    ),
    "__qrt__measure_T": Symbol(
        "i64(ptr context, ptr state, i32 wire, i64 postselect, i64 reset, i64 location,"
        " ptr out, ptr tree)",
        "Measure a wire; postselect is -1 for none. With a tree, it says the outcome.",
    ),
    "__qrt__paths_begin": Symbol(
        "ptr(ptr context, i64 shots, i64 once, i64 budget)",
        "A tree of outcomes to follow, by weight (0 shots) or by shots, which are"
        " drawn again where a postselection refuses them unless `once`, that may"
        " keep `budget` bytes of states; null if memory is short.",
    ),
    "__qrt__paths_state_T": Symbol(
        "ptr(ptr context, ptr tree, i64 n)",
        "The state that the present path begins with, or null if memory is short.",
    ),
    "__qrt__paths_next": Symbol("i64(ptr tree)", "Go on to the next path; 0 if none."),
    "__qrt__paths_rows": Symbol(
        "i64(ptr tree)", "One past the last row of the present path's shots."
    ),
    "__qrt__paths_end": Symbol(
        "i64(ptr context, ptr tree, double total)",
        "End the newest tree; 0, or code | location << 8 if no path went through.",
    ),
    "__qrt__shuffle": Symbol(
        "void(ptr context, i64 count, ptr out)", "A random order of 0 to count - 1."
    ),
    "__qrt__sample_T": Symbol(
        "i64(ptr context, ptr state, i64 shots, i64 k, ptr wires, ptr out)",
        "Samples of k wires, one row of k 64-bit integers per shot.",
    ),
    "__qrt__counts_T": Symbol(
        "i64(ptr context, ptr state, i64 shots, i64 k, ptr wires, ptr out)",
        "How often each of the 2^k outcomes of k wires occurs, as 64-bit integers.",
    ),
    "__qrt__density_matrix_T": Symbol(
        "i64(ptr state, i64 k, ptr wires, ptr out)",
        "Reduced density matrix of k wires.",
    ),
    "__qrt__null_state_new_T": Symbol(
        "ptr(ptr context, i64 n)", "What counts the gates of a circuit."
    ),
    "__qrt__null_state_free_T": Symbol("void(ptr context, ptr state)", "Give it back."),
    "__qrt__null_run_T": Symbol(
        "i64(ptr state, ptr entries, i64 count, ptr wires, ptr params, ptr slots,"
        " ptr tape)",
        "Count the gates of a schedule. Returns 0 or code | location << 8.",
    ),
    "__qrt__null_resources_T": Symbol(
        "void(ptr state, ptr out)", "Gates, depth and qubits, as 64-bit integers."
    ),
    "__qrt__device_state_new_T": Symbol(
        "i64(ptr context, ptr descriptor, i64 n, i64 location, ptr tree, ptr out)",
        "Create a device with all qubits in |0>, for one shot if there is a tree."
        " Returns 0 or code | location << 8.",
    ),
    "__qrt__device_state_free_T": Symbol(
        "i64(ptr context, ptr state)",
        "Destroy a device. Returns 0, or the status of an exception of Python.",
    ),
    "__qrt__device_run_T": Symbol(
        "i64(ptr state, ptr entries, i64 count, ptr wires, ptr params, ptr slots,"
        " ptr tape)",
        "Let a device apply the gates of a schedule. Returns 0 or code |"
        " location << 8.",
    ),
    "__qrt__device_measure_T": Symbol(
        "i64(ptr context, ptr state, i32 wire, i64 postselect, i64 reset, i64 location,"
        " ptr out, ptr tree)",
        "Let a device measure a wire; a shot that a postselection refuses has no row.",
    ),
    "__qrt__device_paths_next_T": Symbol(
        "i64(ptr tree)", "Go on to the next shot of a device; 0 if none."
    ),
    "__qrt__device_paths_end_T": Symbol(
        "i64(ptr context, ptr tree, double total)",
        "End the newest tree; 0, or code | location << 8 if shots are missing.",
    ),
    "__qrt__device_sample_T": Symbol(
        "i64(ptr context, ptr state, i64 shots, i64 k, ptr wires, ptr out)",
        "Let a device sample wires, one row of k 64-bit integers per shot.",
    ),
    "__qrt__device_counts_T": Symbol(
        "i64(ptr context, ptr state, i64 shots, i64 k, ptr wires, ptr out)",
        "The same, as how often each of the 2^k outcomes occurs.",
    ),
    "__qrt__device_read_T": Symbol(
        "i64(ptr state, ptr out)",
        "The state of a device as one of the simulator's, which is the device's own.",
    ),
}

# What the process has, besides the runtime.
PROCESS: dict[str, Symbol] = {
    "__qjit__poll": Symbol(
        "i64()", "Handle signals: 0, or the status that ends the program."
    ),
    "__qjit__host_call": Symbol(
        "i64(i64 key, ptr inputs, ptr outputs)",
        "Let Python evaluate a call on the addresses of arrays. Returns 0 or a status.",
    ),
    "__qjit__memory_budget": Symbol("i64()", "Bytes that may be kept to save time."),
    "__qjit__memory_short": Symbol(
        "i64(i64 place)",
        "1 if there is no memory for a state, given the place of its status; or 0.",
    ),
}


def find(symbol: str) -> Symbol | None:
    """Return what is known of a symbol; None for one of neither table."""
    name = re.sub(r"_(c128|c64)$", "_T", symbol)
    return SYMBOLS.get(name) or PROCESS.get(name)
