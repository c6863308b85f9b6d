// RUN: qjit-opt -p to-pauli-products

// CHECK-LABEL: func.func @clifford_gates_go_last
func.func @clifford_gates_go_last(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[A:.*]] = quantum.gate "PauliRot"(%t) word "X" on %q0
  // CHECK-NEXT: quantum.gate "PauliRot"(%t) word "XZ" on %[[A]], %q1
  // CHECK-NOT: PauliRot
  // CHECK-COUNT-1: "CNOT"
  // CHECK-NOT: "CNOT"
  %a = quantum.gate "H" on %q0
  %b = quantum.gate "RZ"(%t) on %a
  %c, %d = quantum.gate "CNOT" on %q1 ctrl(%b)
  %e = quantum.gate "RZ"(%t) on %c
  %ra = quantum.insert %d into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @sums_that_are_clifford_gates
func.func @sums_that_are_clifford_gates() {
  %r = quantum.alloc : !quantum.reg<1>
  %q0 = quantum.extract %r[0] : !quantum.reg<1>
  // CHECK: %[[EIGHTH:.*]] = arith.constant -0.7853
  // CHECK-NEXT: quantum.gate "PauliRot"(%[[EIGHTH]]) word "Y" on %q0
  // CHECK-NOT: PauliRot
  %a = quantum.gate "T" on %q0
  %b = quantum.gate "T" on %a
  %c = quantum.gate "H" on %b
  %d = quantum.gate "T" on %c
  %rz = quantum.insert %d into %r[0] : !quantum.reg<1>
  quantum.dealloc %rz : !quantum.reg<1>
  func.return
}

// CHECK-LABEL: func.func @differentiated
func.func @differentiated(%t: f64, %s: i32) {
  %r = quantum.alloc : !quantum.reg<1>
  %q0 = quantum.extract %r[0] : !quantum.reg<1>
  // CHECK: %[[H:.*]] = quantum.gate "H" on %q0
  // CHECK-NEXT: %b = quantum.gate "RX"(%t) on %[[H]] slots(%s)
  // CHECK-NEXT: quantum.gate "PauliRot"(%t) word "X" on %b
  // CHECK-NEXT: quantum.gate "H"
  %a = quantum.gate "H" on %q0
  %b = quantum.gate "RX"(%t) on %a slots(%s)
  %c = quantum.gate "H" on %b
  %d = quantum.gate "RZ"(%t) on %c
  %rz = quantum.insert %d into %r[0] : !quantum.reg<1>
  quantum.dealloc %rz : !quantum.reg<1>
  func.return
}

// CHECK-LABEL: func.func @measurements
func.func @measurements(%t: f64) -> (i1, i1) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %m, %[[A:.*]], %[[B:.*]] = quantum.pauli_measure negative "XZ" on %q0, %q1
  // CHECK-NEXT: %[[C:.*]] = quantum.gate "PauliRot"(%t) word "Z" on %[[A]]
  // CHECK-NEXT: %n, %{{.*}} = quantum.pauli_measure "X" on %[[C]] postselect 1
  // CHECK-NEXT: quantum.gate "H"
  // CHECK-NEXT: quantum.gate "X"
  %a = quantum.gate "H" on %q0
  %b, %c = quantum.gate "CNOT" on %q1 ctrl(%a)
  %x = quantum.gate "X" on %b
  %m, %d = quantum.measure %x
  %e, %f = quantum.gate "CNOT" on %d ctrl(%c)
  %g = quantum.gate "RX"(%t) on %f
  %n, %h = quantum.measure %g postselect 1
  %ra = quantum.insert %h into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return %m, %n : i1, i1
}
