// RUN: qjit-opt -p pauli-network

// CHECK-LABEL: func.func @words_that_commute
func.func @words_that_commute(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK-COUNT-2: quantum.gate "CNOT"
  // CHECK-NOT: quantum.gate "CNOT"
  // CHECK-NOT: quantum.gate "IsingXX"
  %a, %b = quantum.gate "IsingXX"(%t) on %q0, %q1
  %c, %d = quantum.gate "IsingZZ"(%u) on %a, %b
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
