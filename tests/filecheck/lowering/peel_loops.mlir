// RUN: qjit-opt -p peel-loops{last=1}

// The first turn finds a qubit in |0>, and goes straight on from the gate before.
// CHECK-LABEL: func.func @both_ends
func.func @both_ends(%x: f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  // CHECK: quantum.gate "H"
  // CHECK-NOT: quantum.insert
  // CHECK: quantum.gate "RX"
  // CHECK: %[[LOW:.*]] = arith.constant 1 : index
  // CHECK: %[[HIGH:.*]] = arith.constant 3 : index
  // CHECK: scf.for %{{.*}} = %[[LOW]] to %[[HIGH]]
  // CHECK: quantum.gate "RX"
  // CHECK: }
  // CHECK: quantum.gate "RX"
  // CHECK-NOT: quantum.gate
  // CHECK: quantum.dealloc
  %r = quantum.alloc : !quantum.reg<1>
  %q = quantum.extract %r[0] : !quantum.reg<1>
  %h = quantum.gate "H" on %q
  %r0 = quantum.insert %h into %r[0] : !quantum.reg<1>
  %s = scf.for %i = %zero to %four step %one iter_args(%t = %r0) -> (!quantum.reg<1>) {
    %a = quantum.extract %t[0] : !quantum.reg<1>
    %b = quantum.gate "RX"(%x) on %a
    %u = quantum.insert %b into %t[0] : !quantum.reg<1>
    scf.yield %u : !quantum.reg<1>
  }
  quantum.dealloc %s : !quantum.reg<1>
  func.return
}

// Nothing is known of a loop of unknown length, nor of one without turns.
// CHECK-LABEL: func.func @unknown
func.func @unknown(%high: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %r = quantum.alloc : !quantum.reg<1>
  // CHECK-NOT: quantum.gate
  // CHECK: scf.for
  // CHECK-NEXT: quantum.extract
  // CHECK-NEXT: quantum.gate
  %s = scf.for %i = %zero to %high step %one iter_args(%t = %r) -> (!quantum.reg<1>) {
    %q = quantum.extract %t[0] : !quantum.reg<1>
    %a = quantum.gate "H" on %q
    %r0 = quantum.insert %a into %t[0] : !quantum.reg<1>
    scf.yield %r0 : !quantum.reg<1>
  }
  // CHECK: scf.for
  // CHECK-NEXT: quantum.extract
  // CHECK-NEXT: quantum.gate
  %u = scf.for %i = %zero to %zero step %one iter_args(%t = %s) -> (!quantum.reg<1>) {
    %q = quantum.extract %t[0] : !quantum.reg<1>
    %a = quantum.gate "S" on %q
    %r0 = quantum.insert %a into %t[0] : !quantum.reg<1>
    scf.yield %r0 : !quantum.reg<1>
  }
  quantum.dealloc %u : !quantum.reg<1>
  func.return
}
