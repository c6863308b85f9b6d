// RUN: qjit-opt -p cancel-inverses

// CHECK-LABEL: func.func @cascade
func.func @cascade() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %q1 = quantum.extract
  %a = quantum.gate "H" on %q0
  %b = quantum.gate "S" on %a
  %c, %d = quantum.gate "CNOT" on %b ctrl(%q1)
  %e, %f = quantum.gate "CNOT" on %c ctrl(%d)
  %g = quantum.gate "S" adjoint on %e
  %h = quantum.gate "H" on %g
  // CHECK-NEXT: %ra = quantum.insert %q0 into %r[0]
  %ra = quantum.insert %h into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %f into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @rotations
func.func @rotations(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %q1 = quantum.extract
  %a = quantum.gate "RX"(%t) on %q0
  %b = quantum.gate "RX"(%t) adjoint on %a
  %n = arith.negf %t : f64
  // CHECK-NEXT: arith.negf
  %c = quantum.gate "RZ"(%n) on %b
  %d = quantum.gate "RZ"(%t) on %c
  // CHECK-NEXT: %ra = quantum.insert %q0 into %r[0]
  %ra = quantum.insert %d into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %q1 into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @controls_are_phases
func.func @controls_are_phases() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %q1 = quantum.extract
  %a, %b = quantum.gate "CZ" on %q0 ctrl(%q1)
  %c, %d = quantum.gate "CZ" on %b ctrl(%a)
  %e, %f = quantum.gate "SWAP" on %c, %d
  %g, %h = quantum.gate "SWAP" on %f, %e
  // CHECK-NEXT: %ra = quantum.insert %q1 into %r[0]
  %ra = quantum.insert %h into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %g into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @through_gates_that_commute
func.func @through_gates_that_commute(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %b = quantum.gate "X" on %q1
  // CHECK-NEXT: %m, %n = quantum.gate "IsingZZ"(%t) on %q0, %b
  // CHECK-NEXT: %h = quantum.gate "X" on %n
  // CHECK-NEXT: quantum.insert %m into %r[0]
  %a = quantum.gate "S" on %q0
  %b = quantum.gate "X" on %q1
  %m, %n = quantum.gate "IsingZZ"(%t) on %a, %b
  %c, %d = quantum.gate "CNOT" on %n ctrl(%m)
  %e = quantum.gate "S" adjoint on %d
  %f, %g = quantum.gate "CNOT" on %c ctrl(%e)
  %h = quantum.gate "X" on %f
  %ra = quantum.insert %g into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %h into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
func.func @stays(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "CNOT" on %q0
  %a, %b = quantum.gate "CNOT" on %q0 ctrl(%q1)
  // CHECK-NEXT: quantum.gate "CNOT" on %b
  %c, %d = quantum.gate "CNOT" on %b ctrl(%a)
  // CHECK-NEXT: quantum.gate "T"
  %e = quantum.gate "T" on %c
  // CHECK-NEXT: quantum.gate "T"
  %f = quantum.gate "T" on %e
  // CHECK-NEXT: quantum.gate "RX"(%t) on %f
  %g = quantum.gate "RX"(%t) on %f
  // CHECK-NEXT: quantum.gate "RX"(%u) adjoint on %g
  %h = quantum.gate "RX"(%u) adjoint on %g
  // CHECK-NEXT: values [0]
  %i, %j = quantum.gate "X" on %h ctrl(%d) values [0]
  // CHECK-NEXT: quantum.gate "X" on %i ctrl(%j)
  %k, %l = quantum.gate "X" on %i ctrl(%j)
  %ra = quantum.insert %k into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %l into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
