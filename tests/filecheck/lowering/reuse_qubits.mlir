// RUN: qjit-opt -p reuse-qubits

// The second qubit begins where the first was measured; what it waits for is early.
// CHECK-LABEL: func.func @after_measurement
func.func @after_measurement() -> (i1, i1) {
  // CHECK: %r = quantum.alloc : !quantum.reg<2>
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  // CHECK: %[[A:.*]] = quantum.gate "H" on
  // CHECK: %[[T:.*]], %[[C:.*]] = quantum.gate "CNOT" on %{{.*}} ctrl(%[[A]])
  // CHECK-NEXT: %[[D:.*]] = quantum.gate "H" on %[[C]]
  // CHECK-NEXT: %[[M:.*]], %[[Q:.*]] = quantum.measure %[[D]] reset
  // CHECK-NEXT: %[[B:.*]] = quantum.gate "H" on %[[Q]]
  // CHECK-NEXT: quantum.gate "CNOT" on %[[T]] ctrl(%[[B]])
  // CHECK: func.return %[[M]]
  %a = quantum.gate "H" on %q0
  %b = quantum.gate "H" on %q1
  %t, %c = quantum.gate "CNOT" on %q2 ctrl(%a)
  %u, %d = quantum.gate "CNOT" on %t ctrl(%b)
  %h = quantum.gate "H" on %c
  %m, %e = quantum.measure %h
  %n, %f = quantum.measure %d
  %r0 = quantum.insert %e into %r[0] : !quantum.reg<3>
  %r1 = quantum.insert %f into %r0[1] : !quantum.reg<3>
  %r2 = quantum.insert %u into %r1[2] : !quantum.reg<3>
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return %m, %n : i1, i1
}

// A control that is measured is an outcome, and its wire that of the target.
// CHECK-LABEL: func.func @control
func.func @control(%p: memref<2xf64>) -> i1 {
  // CHECK: quantum.alloc : !quantum.reg<1>
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[A:.*]] = quantum.gate "H" on
  // CHECK-NEXT: %[[M:.*]], %{{.*}} = quantum.measure %[[A]] reset
  // CHECK: scf.if %[[M]] -> (!quantum.reg<1>)
  // CHECK-NEXT: quantum.extract
  // CHECK-NEXT: quantum.gate "X" on
  // CHECK: quantum.probs %{{.*}} [0] into %p
  %a = quantum.gate "H" on %q0
  %t, %c = quantum.gate "CNOT" on %q1 ctrl(%a)
  %m, %e = quantum.measure %c
  %r0 = quantum.insert %e into %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %t into %r0[1] : !quantum.reg<2>
  quantum.probs %r1 [1] into %p : !quantum.reg<2>, memref<2xf64>
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return %m : i1
}

// A wire that is looked at stays, under another number; an outcome may choose its gate.
// CHECK-LABEL: func.func @looked_at
func.func @looked_at(%p: memref<2xf64>) {
  // CHECK: quantum.alloc : !quantum.reg<1>
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %a = quantum.gate "H" on %q0
  %m, %b = quantum.measure %a
  %r0 = quantum.insert %b into %r[0] : !quantum.reg<2>
  // CHECK: %[[M:.*]], %{{.*}} = quantum.measure %{{.*}} reset
  // CHECK: scf.if %[[M]] -> (!quantum.reg<1>)
  // CHECK: quantum.extract %{{.*}}[0] : !quantum.reg<1>
  // CHECK: quantum.probs %{{.*}} [0] into %p
  %r1 = scf.if %m -> (!quantum.reg<2>) {
    %q1 = quantum.extract %r0[1] : !quantum.reg<2>
    %c = quantum.gate "X" on %q1
    %s = quantum.insert %c into %r0[1] : !quantum.reg<2>
    scf.yield %s : !quantum.reg<2>
  } else {
    scf.yield %r0 : !quantum.reg<2>
  }
  quantum.probs %r1 [1] into %p : !quantum.reg<2>, memref<2xf64>
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return
}

// All wires are looked at.
// CHECK-LABEL: func.func @all
func.func @all(%p: memref<4xf64>) {
  // CHECK: quantum.alloc : !quantum.reg<2>
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %m, %b = quantum.measure %q0
  %r0 = quantum.insert %b into %r[0] : !quantum.reg<2>
  quantum.probs %r0 into %p : !quantum.reg<2>, memref<4xf64>
  quantum.dealloc %r0 : !quantum.reg<2>
  func.return
}
