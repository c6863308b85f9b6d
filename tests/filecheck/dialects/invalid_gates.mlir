// RUN: qjit-opt --verify-diagnostics --split-input-file

// CHECK: Expected the name of a gate, but got "RQ". The gates are listed in dialects/gates/__init__.py.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a = quantum.gate "RQ"(%t) on %q
  func.return
}

// -----

// CHECK: Expected the name of a gate, but got "QubitUnitary".
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a = quantum.gate "QubitUnitary" on %q
  func.return
}

// -----

// CHECK: Expected 1 parameters, but got 0. RX takes 1.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a = quantum.gate "RX" on %q
  func.return
}

// -----

// CHECK: Expected 1 targets, but got 2. RX acts on 1.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a, %b = quantum.gate "RX"(%t) on %q, %p
  func.return
}

// -----

// CHECK: Expected at least 1 qubit, but got 0. A GlobalPhase without qubits has no place in the circuit.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  quantum.gate "GlobalPhase"(%t)
  func.return
}

// -----

// CHECK: Expected at least 2 controls, but got 1. Toffoli has 2 of its own.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a, %b = quantum.gate "Toffoli" on %q ctrl(%p)
  func.return
}

// -----

// CHECK: Expected 1 slots, but got 2. Each parameter has one slot, or none has.
func.func @f(%t: f64, %s: i32, %q: !quantum.bit) {
  %a = quantum.gate "RX"(%t) on %q slots(%s, %s)
  func.return
}

// -----

// CHECK: Expected 1 control values, but got 2. Each control qubit has one value.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a, %b = quantum.gate "X" on %q ctrl(%p) values [0, 1]
  func.return
}

// -----

// CHECK: Expected a word, but got none. PauliRot takes a word.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a = quantum.gate "PauliRot"(%t) on %q
  func.return
}

// -----

// CHECK: Expected no dim, but got 1 : i64. RX takes no dim.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a = quantum.gate "RX"(%t) dim 1 on %q
  func.return
}

// -----

// CHECK: Expected a dim from 0 to 2, but got 3. PCPhase changes a subspace of its targets.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a = quantum.gate "PCPhase"(%t) dim 3 on %q
  func.return
}

// -----

// CHECK: Expected 1 of the letters I, X, Y, Z, but got "XQ". A Pauli word has one letter per wire.
func.func @f(%t: f64, %q: !quantum.bit, %p: !quantum.bit) {
  %a = quantum.gate "PauliRot"(%t) word "XQ" on %q
  func.return
}

// -----

// CHECK: Expected a matrix of shape (2, 2), but got (4, 4). It acts on 1 targets.
func.func @f(%u: memref<4x4xcomplex<f64>>, %q: !quantum.bit) {
  %a = quantum.unitary %u on %q : memref<4x4xcomplex<f64>>
  func.return
}
