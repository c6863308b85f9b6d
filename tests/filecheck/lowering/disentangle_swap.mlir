// RUN: qjit-opt -p disentangle-swap

// CHECK-LABEL: func.func @one_is_known
func.func @one_is_known(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[A:.*]] = quantum.gate "RX"(%t) on %q0
  // CHECK-NEXT: %[[B:.*]], %[[C:.*]] = quantum.gate "CNOT" on %q1 ctrl(%[[A]])
  // CHECK-NEXT: quantum.gate "CNOT" on %[[C]] ctrl(%[[B]])
  %a = quantum.gate "RX"(%t) on %q0
  %b, %c = quantum.gate "SWAP" on %a, %q1
  %ra = quantum.insert %b into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %c into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @both_are_known
func.func @both_are_known() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "X" on %q0
  // CHECK-NEXT: quantum.gate "X"
  // CHECK-NEXT: quantum.gate "X" on %q1
  // CHECK-NOT: "SWAP"
  %a = quantum.gate "X" on %q0
  %b, %c = quantum.gate "SWAP" on %a, %q1
  %ra = quantum.insert %b into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %c into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
func.func @stays(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: "SWAP"
  %a = quantum.gate "RX"(%t) on %q0
  %b = quantum.gate "RX"(%t) on %q1
  %c, %d = quantum.gate "SWAP" on %a, %b
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
