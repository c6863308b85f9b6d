// RUN: qjit-opt -p merge-pauli-rotations

// CHECK-LABEL: func.func @across_clifford_gates
func.func @across_clifford_gates(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[SUM:.*]] = arith.subf %t, %u
  // CHECK-NEXT: quantum.gate "RX"(%[[SUM]]) on %q0
  // CHECK-NEXT: quantum.gate "H"
  // CHECK-NEXT: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.gate "X"
  // CHECK-NEXT: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.insert
  %a = quantum.gate "RX"(%t) on %q0
  %b = quantum.gate "H" on %a
  %c, %d = quantum.gate "CNOT" on %b ctrl(%q1)
  %e = quantum.gate "X" on %c
  %f, %g = quantum.gate "CNOT" on %e ctrl(%d)
  %h = quantum.gate "RZ"(%u) on %f
  %ra = quantum.insert %h into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %g into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @sums_let_others_meet
func.func @sums_let_others_meet() {
  %r = quantum.alloc : !quantum.reg<1>
  %q0 = quantum.extract %r[0] : !quantum.reg<1>
  %x = arith.constant 0.25 : f64
  %y = arith.constant -0.25 : f64
  // CHECK: %[[HALF:.*]] = arith.constant 5.000000e-01
  // CHECK-NEXT: quantum.gate "RY"(%[[HALF]]) on %q0
  // CHECK-NEXT: quantum.insert
  %a = quantum.gate "RY"(%x) on %q0
  %b = quantum.gate "RZ"(%x) on %a
  %c = quantum.gate "RZ"(%y) on %b
  %d = quantum.gate "RY"(%x) on %c
  %rz = quantum.insert %d into %r[0] : !quantum.reg<1>
  quantum.dealloc %rz : !quantum.reg<1>
  func.return
}

// CHECK-LABEL: func.func @differentiated
func.func @differentiated(%t: f64, %s: i32) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RZ"(%t) on %q0
  // CHECK-NEXT: quantum.gate "RX"(%t) on {{.*}} slots(%s)
  // CHECK-NEXT: quantum.gate "RZ"(%t) on %b
  // CHECK: %[[TWICE:.*]] = arith.mulf %t
  // CHECK-NEXT: quantum.gate "RZ"(%[[TWICE]]) on %q1
  // CHECK-NEXT: quantum.insert
  %a = quantum.gate "RZ"(%t) on %q0
  %b = quantum.gate "RX"(%t) on %a slots(%s)
  %c = quantum.gate "RZ"(%t) on %b
  %d = quantum.gate "RZ"(%t) on %q1
  %e = quantum.gate "RZ"(%t) on %d
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
