"""Which parts of the runtime are compiled, and that they are kept."""

from typing import Any

import pytest

from qjit.runtime import library
from qjit.runtime.codegen.partition import Part, partition

MODULE = """target triple = "any"
@"counter" = internal global i64 0
declare void @"__qrt__far"()
define internal void @"helper"() {
  call void @"__qrt__far"()
  ret void
}
define void @"__qrt__one"() {
  call void @"helper"()
  ret void
}
define void @"__qrt__two"() {
  call void @"helper"()
  ret void
}
define i64 @"__qrt__next"() {
  %v = atomicrmw add ptr @"counter", i64 1 seq_cst
  ret i64 %v
}
define void @"__qrt__reset"() {
  store i64 0, ptr @"counter"
  ret void
}
"""


def needed(*symbols: str, **options: Any) -> library.Needed:
    return library.needed_for([f"__qrt__{name}_c64" for name in symbols], **options)


def names(found: set[str]) -> set[str]:
    return {name.removeprefix("__qrt__").removesuffix("_c64") for name in found}


def defined_with(found: set[str]) -> set[str]:
    """The symbols that are linked with parts."""
    return names({symbol for symbol in library.owners() if is_in(symbol, found)})


def is_in(symbol: str, found: set[str]) -> bool:
    return not symbol.endswith("_c128") and library.part_of(symbol) in found


@pytest.mark.parametrize("generator", library.generators())
def test_every_generator_defines_what_is_listed(generator: str) -> None:
    parts = partition(library.generators()[generator]()).values()
    listed = {name for name, place in library.owners().items() if place == generator}
    assert sorted(name for part in parts for name in part.defined) == sorted(listed)


def test_parts_have_private_functions_and_declarations_of_their_own() -> None:
    parts = partition(MODULE)
    assert parts["__qrt__one"].defined == ("__qrt__one",)
    assert parts["__qrt__two"].used == ("__qrt__far",)
    for name in ("__qrt__one", "__qrt__two"):
        assert parts[name].text.count("define") == 2
        assert "counter" not in parts[name].text


def test_functions_that_share_a_variable_stay_together() -> None:
    found = partition(MODULE)["__qrt__next"]
    assert found == Part(found.text, ("__qrt__next", "__qrt__reset"), ())
    assert "declare" not in found.text


def test_parts_come_with_what_they_use() -> None:
    found = library.needed_for(["__qrt__probs_c64", "__qjit__elsewhere"])
    assert {"probs", "marginal", "wire_bits", "parallel"} <= defined_with(found.parts)
    assert not [name for name in found.parts if name.endswith("_c128")]
    assert found.others == {"__qjit__elsewhere"}


def test_parts_come_without_what_they_do_not_use() -> None:
    linked = defined_with(needed("probs", "state_new", "state_free").parts)
    assert not linked & {"dense", "correlate", "density_matrix", "state_prep", "dot"}


def test_what_a_kernel_falls_back_to_is_deferred() -> None:
    found = needed("run_stages", "adjoint_stages", "record_run", "adjoint")
    assert names(found.deferred) == {"run_stages", "adjoint_stages"}
    assert not defined_with(found.parts) & {"run_stages", "execute", "adjoint_stages"}
    assert not found.others


def test_the_executor_is_not_deferred_where_it_runs_a_schedule() -> None:
    found = needed("run", "run_stages", "adjoint")
    assert names(found.deferred) == {"run_composed"}
    assert {"run_stages", "execute", "adjoint_stages"} <= defined_with(found.parts)


def test_composing_is_not_deferred_on_large_states() -> None:
    found = needed("run_large", "adjoint")
    assert not found.deferred
    assert {"compose", "run_step", "adjoint_stages"} <= defined_with(found.parts)


def test_a_deferred_function_that_is_called_is_needed() -> None:
    found = needed("run_stages", called="__qrt__run_stages_c64")
    assert names(found.deferred) == {"run_composed"}
    assert "run_stages" in defined_with(found.parts)


def test_a_damaged_cache_entry_is_compiled_again(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QJIT_CACHE_DIR", str(tmp_path))
    fresh = library.runtime_object("__qrt__random")
    (damaged,) = tmp_path.glob("*.qjit")
    damaged.write_bytes(b"nonsense" * 10)
    assert library.runtime_object("__qrt__random") == fresh
    assert damaged.read_bytes() != b"nonsense" * 10
