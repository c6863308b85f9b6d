// RUN: qjit-opt -p defer-measurements

// Teleportation: what is done on outcomes is controlled by the measured qubits.
// CHECK-LABEL: func.func @feed_forward
func.func @feed_forward() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %a = quantum.gate "H" on %q0
  // CHECK: %[[H:.*]] = quantum.gate "H" on
  // CHECK-NOT: scf.if
  // CHECK: %[[T:.*]], %[[C:.*]] = quantum.gate "CNOT" on %{{.*}} ctrl(%[[H]])
  // CHECK: %[[U:.*]], %[[D:.*]] = quantum.gate "RZ"(%{{.*}}) on %[[T]] ctrl(%[[C]]) values [0]
  // CHECK-NEXT: quantum.measure %[[D]]
  %m, %b = quantum.measure %a
  %r0 = quantum.insert %b into %r[0] : !quantum.reg<2>
  %t = arith.constant 0.3 : f64
  %r1 = scf.if %m -> (!quantum.reg<2>) {
    %q1 = quantum.extract %r0[1] : !quantum.reg<2>
    %c = quantum.gate "X" on %q1
    %s = quantum.insert %c into %r0[1] : !quantum.reg<2>
    scf.yield %s : !quantum.reg<2>
  } else {
    %q1 = quantum.extract %r0[1] : !quantum.reg<2>
    %c = quantum.gate "RZ"(%t) on %q1
    %s = quantum.insert %c into %r0[1] : !quantum.reg<2>
    scf.yield %s : !quantum.reg<2>
  }
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return
}

// An outcome is copied before its qubit is turned, and a reset takes a fresh wire.
// CHECK-LABEL: func.func @fresh_wires
func.func @fresh_wires() -> (i1, i1) {
  // CHECK: quantum.alloc : !quantum.reg<3>
  %r = quantum.alloc : !quantum.reg<1>
  %q = quantum.extract %r[0] : !quantum.reg<1>
  %a = quantum.gate "H" on %q
  %m, %b = quantum.measure %a
  // CHECK: %[[T:.*]], %[[C:.*]] = quantum.gate "CNOT" on %[[F:.*]] ctrl
  // CHECK-NEXT: %[[H:.*]] = quantum.gate "H" on %[[C]]
  %c = quantum.gate "H" on %b
  %n, %d = quantum.measure %c reset
  // CHECK: %[[W:.*]] = quantum.extract %{{.*}}[2]
  // CHECK-NEXT: %[[X:.*]] = quantum.gate "X" on %[[W]]
  // CHECK-NEXT: quantum.measure %[[T]]
  // CHECK-NEXT: quantum.measure %[[H]]
  // CHECK-NOT: reset
  // CHECK: quantum.insert %[[X]] into %{{.*}}[0]
  %e = quantum.gate "X" on %d
  %s = quantum.insert %e into %r[0] : !quantum.reg<1>
  quantum.dealloc %s : !quantum.reg<1>
  func.return %m, %n : i1, i1
}

// A sum of outcomes in an angle is one rotation for each.
// CHECK-LABEL: func.func @angles
func.func @angles(%x: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %a = quantum.gate "H" on %q0
  %m, %b = quantum.measure %a
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %f = arith.uitofp %m : i1 to f64
  %g = arith.mulf %f, %x : f64
  %h = arith.addf %g, %x : f64
  // CHECK: %[[S:.*]] = quantum.gate "RX"(%x) on
  // CHECK-NEXT: quantum.gate "{{C?RX}}"(%x) on %[[S]] ctrl
  // CHECK: quantum.measure
  %c = quantum.gate "RX"(%h) on %q1
  %r0 = quantum.insert %b into %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %c into %r0[1] : !quantum.reg<2>
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return
}

// A loop as long as an outcome says needs the outcome.
// CHECK-LABEL: func.func @loop
func.func @loop(%low: index, %step: index) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %a = quantum.gate "H" on %q0
  %m, %b = quantum.measure %a
  %r0 = quantum.insert %b into %r[0] : !quantum.reg<2>
  // CHECK: %[[M:.*]], %{{.*}} = quantum.measure
  // CHECK-NEXT: %[[I:.*]] = arith.extui %[[M]]
  // CHECK-NEXT: %[[N:.*]] = arith.index_cast %[[I]]
  // CHECK: scf.for %{{.*}} = %low to %[[N]]
  %i = arith.extui %m : i1 to i32
  %n = arith.index_cast %i : i32 to index
  %r1 = scf.for %k = %low to %n step %step iter_args(%s = %r0) -> (!quantum.reg<2>) {
    %q1 = quantum.extract %s[1] : !quantum.reg<2>
    %c = quantum.gate "X" on %q1
    %s1 = quantum.insert %c into %s[1] : !quantum.reg<2>
    scf.yield %s1 : !quantum.reg<2>
  }
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return
}
