// RUN: qjit-opt -p undo-swaps

// CHECK-LABEL: func.func @relabelled
func.func @relabelled(%t: f64) {
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  // CHECK: %[[H:.*]] = quantum.gate "H" on %q0
  %a = quantum.gate "H" on %q0
  %b, %c = quantum.gate "SWAP" on %a, %q1
  // CHECK-NEXT: %[[X:.*]] = quantum.gate "RX"(%t) on %q1
  %d = quantum.gate "RX"(%t) on %b
  // CHECK-NEXT: %[[S:.*]], %[[T:.*]], %[[U:.*]] = quantum.gate "{{C?SWAP}}" on %[[X]], %[[H]] ctrl(%q2)
  %e, %f, %g = quantum.gate "SWAP" on %d, %c ctrl(%q2)
  // CHECK-NEXT: quantum.insert %[[S]] into %r[0]
  %ra = quantum.insert %e into %r[0] : !quantum.reg<3>
  // CHECK-NEXT: quantum.insert %[[T]] into
  %rb = quantum.insert %f into %ra[1] : !quantum.reg<3>
  %rz = quantum.insert %g into %rb[2] : !quantum.reg<3>
  quantum.dealloc %rz : !quantum.reg<3>
  func.return
}
