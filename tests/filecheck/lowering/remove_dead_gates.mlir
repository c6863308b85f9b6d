// RUN: qjit-opt -p remove-dead-gates

// CHECK-LABEL: func.func @light_cone
func.func @light_cone(%p: memref<2xf64>, %x: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"
  // CHECK-NOT: quantum.gate
  // CHECK: quantum.probs
  %a = quantum.gate "RX"(%x) on %q0
  %b = quantum.gate "T" on %a
  %c = quantum.gate "H" on %q1
  %s = quantum.insert %b into %r[0] : !quantum.reg<2>
  %t = quantum.insert %c into %s[1] : !quantum.reg<2>
  quantum.probs %t [0] into %p : !quantum.reg<2>, memref<2xf64>
  quantum.dealloc %t : !quantum.reg<2>
  func.return
}
