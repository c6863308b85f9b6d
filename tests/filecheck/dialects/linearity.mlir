// RUN: qjit-opt --verify-diagnostics --split-input-file

// CHECK: Expected one use of a !quantum.bit from quantum.gate, but got none. A qubit or register is used exactly once.
func.func @f(%p: !quantum.bit) {
  %r = quantum.alloc : !quantum.reg<2>
  %q = quantum.extract %r[0] : !quantum.reg<2>
  %q1, %q2 = quantum.gate "SWAP" on %q, %p
  %r1 = quantum.insert %q1 into %r[0] : !quantum.reg<2>
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected one use of a !quantum.bit, but got quantum.gate after quantum.gate. A qubit or register is used exactly once.
func.func @f() {
  %r = quantum.alloc : !quantum.reg<2>
  %q = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.gate "X" on %q
  %q2 = quantum.gate "X" on %q
  func.return
}

// -----

// CHECK: Expected wire 0 in the register, but got quantum.extract of it twice. A qubit is put back before it is taken again.
func.func @f() {
  %r = quantum.alloc : !quantum.reg<2>
  %q = quantum.extract %r[0] : !quantum.reg<2>
  %p = quantum.extract %r[0] : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected wire 1 to be out of the register, but got quantum.insert to where a qubit is. A qubit is put back once.
func.func @f() {
  %r = quantum.alloc : !quantum.reg<2>
  %q = quantum.extract %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %q into %r[1] : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected a whole register for quantum.probs, but got one with wire 0 taken out. Qubits are put back before the register is used.
func.func @f(%p: memref<4xf64>) {
  %r = quantum.alloc : !quantum.reg<2>
  %q = quantum.extract %r[0] : !quantum.reg<2>
  quantum.probs %r into %p : !quantum.reg<2>, memref<4xf64>
  func.return
}

// -----

// CHECK: Expected quantum.extract to use a !quantum.reg<2> of its own region, but got one from outside. Loops and functions take qubits and registers as arguments.
func.func @f(%n: index) {
  %r = quantum.alloc : !quantum.reg<2>
  scf.for %i = %n to %n step %n {
    %q = quantum.extract %r[0] : !quantum.reg<2>
  }
  quantum.dealloc %r : !quantum.reg<2>
  func.return
}

// -----

// CHECK: Expected each branch of scf.if to use a !quantum.reg<2>, but got one that does not. Every branch uses up the same values.
func.func @f(%b: i1) {
  %r = quantum.alloc : !quantum.reg<2>
  scf.if %b {
    quantum.dealloc %r : !quantum.reg<2>
  }
  func.return
}

// -----

// CHECK: Expected one use of a !quantum.reg<2> from quantum.insert at circuit.py:12, but got none.
builtin.module attributes {"qjit.lines" = ["circuit.py:11", "circuit.py:12"]} {
  func.func @f() {
    %r = quantum.alloc : !quantum.reg<2>
    %q = quantum.extract %r[0] : !quantum.reg<2>
    %r1 = quantum.insert %q into %r[0] line 1 : !quantum.reg<2>
    func.return
  }
}
