// RUN: qjit-opt -p consolidate-blocks
// RUN: qjit-opt -p consolidate-blocks{basis=CZ} | filecheck --check-prefixes=CZ

// CHECK-LABEL: func.func @exchange
// CZ-LABEL: func.func @exchange
func.func @exchange() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK-NOT: quantum.gate "CNOT"
  // CHECK-NOT: quantum.gate "SWAP"
  // CHECK: quantum.insert %q1 into %r[0]
  // CHECK-NEXT: quantum.insert %q0 into
  // CZ-NOT: quantum.gate
  // CZ: quantum.insert %q1 into %r[0]
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %c, %d = quantum.gate "CNOT" on %b ctrl(%a)
  %e, %f = quantum.gate "CNOT" on %d ctrl(%c)
  %ra = quantum.insert %f into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @two_are_enough
// CZ-LABEL: func.func @two_are_enough
func.func @two_are_enough() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %x = arith.constant 0.3 : f64
  %y = arith.constant 0.2 : f64
  // CHECK-COUNT-2: quantum.gate "CNOT"
  // CHECK-NOT: "CNOT"
  // CHECK-NOT: "Ising
  // CZ-COUNT-2: quantum.gate "CZ"
  // CZ-NOT: "CZ"
  // CZ-NOT: "CNOT"
  %a, %b = quantum.gate "IsingXX"(%x) on %q0, %q1
  %c, %d = quantum.gate "IsingYY"(%y) on %a, %b
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
// CZ-LABEL: func.func @stays
func.func @stays(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "CNOT" on %q1 ctrl(%q0)
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  // CHECK-NEXT: quantum.gate "RX"(%t) on %a
  %c = quantum.gate "RX"(%t) on %a
  // CHECK-NEXT: quantum.gate "CNOT" on %c ctrl(%b)
  %d, %e = quantum.gate "CNOT" on %c ctrl(%b)
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
