// RUN: qjit-opt -p merge-rotations

// CHECK-LABEL: func.func @sums
func.func @sums(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %q1 = quantum.extract
  %a = quantum.gate "RX"(%t) on %q0
  %b = quantum.gate "RX"(%u) on %a
  // CHECK-NEXT: %c = quantum.gate "RX"(%u) on %q0
  %c = quantum.gate "RX"(%t) adjoint on %b
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %t, %u : f64
  %d = quantum.gate "RZ"(%t) on %q1
  // CHECK-NEXT: %e = quantum.gate "RZ"(%[[SUM]]) on %q1
  %e = quantum.gate "RZ"(%u) on %d
  // CHECK-NEXT: %ra = quantum.insert %c into %r[0]
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @constants
func.func @constants() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %x = arith.constant 0.25 : f64
  %a, %b = quantum.gate "CRZ"(%x) on %q0 ctrl(%q1)
  // CHECK: %[[HALF:.*]] = arith.constant 5.000000e-01 : f64
  // CHECK-NEXT: quantum.gate "CRZ"(%[[HALF]]) on %q0 ctrl(%q1)
  %c, %d = quantum.gate "CRZ"(%x) on %a ctrl(%b)
  %y = arith.constant -0.75 : f64
  %z = arith.constant 0.75 : f64
  // CHECK-NOT: "IsingXX"
  %e, %f = quantum.gate "IsingXX"(%y) on %c, %d
  %g, %h = quantum.gate "IsingXX"(%z) on %f, %e
  %ra = quantum.insert %h into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %g into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// Sums that are computed are seen through, and full turns are nothing.
// CHECK-LABEL: func.func @zero
func.func @zero(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<1>
  %q = quantum.extract %r[0] : !quantum.reg<1>
  %n = arith.negf %t : f64
  %s = arith.subf %u, %t : f64
  %two = arith.constant -2.0 : f64
  %d = arith.mulf %t, %two : f64
  // CHECK-NOT: quantum.gate
  %a = quantum.gate "RX"(%t) on %q
  %b = quantum.gate "RX"(%n) on %a
  %c = quantum.gate "RZ"(%s) adjoint on %b
  %e = quantum.gate "RZ"(%u) on %c
  %f = quantum.gate "RZ"(%d) on %e
  %g = quantum.gate "RZ"(%t) on %f
  %pi2 = arith.constant 6.283185307179586 : f64
  %h = quantum.gate "RY"(%pi2) on %g
  %i = quantum.gate "RY"(%pi2) on %h
  // CHECK: quantum.insert %q into %r[0]
  %rz = quantum.insert %i into %r[0] : !quantum.reg<1>
  quantum.dealloc %rz : !quantum.reg<1>
  func.return
}

// CHECK-LABEL: func.func @through_gates_that_commute
func.func @through_gates_that_commute(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %a = quantum.gate "RZ"(%t) on %q0
  %b = quantum.gate "RX"(%t) on %q1
  // CHECK: quantum.gate "CNOT" on %q1 ctrl(%q0)
  %c, %d = quantum.gate "CNOT" on %b ctrl(%a)
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %t, %u : f64
  // CHECK-NEXT: quantum.gate "RZ"(%[[SUM]]) on %d
  %e = quantum.gate "RZ"(%u) on %d
  // CHECK-NEXT: arith.addf
  // CHECK-NEXT: quantum.gate "RX"
  %f = quantum.gate "RX"(%u) on %c
  // CHECK-NEXT: quantum.insert
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %f into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
func.func @stays(%t: f64, %s: i32) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"(%t) on %q0 slots(%s)
  %a = quantum.gate "RX"(%t) on %q0 slots(%s)
  // CHECK-NEXT: quantum.gate "RX"(%t) on %a slots(%s)
  %b = quantum.gate "RX"(%t) on %a slots(%s)
  // CHECK-NEXT: quantum.gate "RY"
  %c = quantum.gate "RY"(%t) on %b
  // CHECK-NEXT: quantum.gate "Rot"
  %d = quantum.gate "Rot"(%t, %t, %t) on %c
  // CHECK-NEXT: quantum.gate "Rot"
  %e = quantum.gate "Rot"(%t, %t, %t) on %d
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %q1 into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
