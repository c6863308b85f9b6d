// RUN: qjit-opt --verify-diagnostics --split-input-file

// CHECK: Expected a wire from 0 to 1, but got 2. The register has 2 wires.
func.func @f(%r: !quantum.reg<2>) {
  %a = quantum.extract %r[2] : !quantum.reg<2>
  %b = quantum.insert %a into %r[2] : !quantum.reg<2>
  quantum.dealloc %b : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected one index, but got none. A wire is either a number or an i64 value.
func.func @f(%r: !quantum.reg<2>) {
  %a = "quantum.extract"(%r) : (!quantum.reg<2>) -> !quantum.bit
  %b = quantum.insert %a into %r[0] : !quantum.reg<2>
  quantum.dealloc %b : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected distinct wires, but got [1, 1]. An operation acts on each wire once.
func.func @f(%r: !quantum.reg<2>, %p: memref<4xf64>) {
  quantum.probs %r [1, 1] into %p : !quantum.reg<2>, memref<4xf64>
  quantum.dealloc %r : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected shape (4,), but got (2,). The measurement is of 2 wires.
func.func @f(%r: !quantum.reg<2>, %p: memref<2xf64>) {
  quantum.probs %r into %p : !quantum.reg<2>, memref<2xf64>
  quantum.dealloc %r : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected 2 amplitudes, but got shape (4,). Their number follows from the number of wires.
func.func @f(%r: !quantum.reg<2>, %p: memref<4xcomplex<f64>>) {
  %a = quantum.state_prep %r [0] from %p : !quantum.reg<2>, memref<4xcomplex<f64>>
  quantum.dealloc %a : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected postselect 0 or 1, but got 2. A measurement has two outcomes.
func.func @f(%q: !quantum.bit) {
  %m, %a = quantum.measure %q postselect 2
  func.return
}

// -----

// CHECK: Expected 2 of the letters I, X, Y, Z, but got "X". A Pauli word has one letter per wire.
func.func @f(%q: !quantum.bit, %p: !quantum.bit) {
  %m, %a, %b = quantum.pauli_measure "X" on %q, %p
  func.return
}

// -----

// CHECK: Expected a letter other than I, but got "II". The identity has one outcome.
func.func @f(%q: !quantum.bit, %p: !quantum.bit) {
  %m, %a, %b = quantum.pauli_measure "II" on %q, %p
  func.return
}

// -----

// CHECK: Expected a matrix below 0, but got 0. A factor is one of the operands.
func.func @f(%r: !quantum.reg<2>, %c: memref<1xf64>) {
  %a = quantum.expval %r of %c [#quantum.term<"II", [#quantum.factor<0 on [0]>]>] : !quantum.reg<2>, memref<1xf64>
  quantum.dealloc %r : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected shape (2,), but got (1,). One coefficient per term.
func.func @f(%r: !quantum.reg<2>, %c: memref<1xf64>) {
  %a = quantum.expval %r of %c [#quantum.term<"XX", []>, #quantum.term<"ZZ", []>] : !quantum.reg<2>, memref<1xf64>
  quantum.dealloc %r : !quantum.reg<2>
  func.return
}
