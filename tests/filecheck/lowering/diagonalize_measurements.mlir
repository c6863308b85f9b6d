// RUN: qjit-opt -p diagonalize-measurements

// A Bell measurement: one CNOT, and YY is -ZZ then.
// CHECK-LABEL: func.func @together
func.func @together(%w: memref<3xf64>) -> f64 {
  // CHECK: %[[OUT:.*]] = memref.alloc() {alignment = 64 : i64} : memref<3xf64>
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  // CHECK: quantum.gate "T"
  // CHECK: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.gate "H"
  // CHECK: arith.negf
  // CHECK: quantum.expval %{{.*}} of %[[OUT]] [#quantum.term<"IZ", []>, #quantum.term<"ZI", []>, #quantum.term<"ZZ", []>]
  // CHECK-NEXT: quantum.dealloc
  %a = quantum.gate "T" on %q0
  %s = quantum.insert %a into %r[0] : !quantum.reg<2>
  %v = quantum.expval %s of %w [#quantum.term<"ZZ", []>, #quantum.term<"XX", []>, #quantum.term<"YY", []>] : !quantum.reg<2>, memref<3xf64>
  quantum.dealloc %s : !quantum.reg<2>
  func.return %v : f64
}

// A change of basis is made once, and classical code on results comes behind.
// CHECK-LABEL: func.func @once
func.func @once(%w: memref<1xf64>, %p: memref<2xf64>, %z: memref<f64>) {
  %r = quantum.alloc : !quantum.reg<1>
  // CHECK-COUNT-1: quantum.gate "H"
  // CHECK: quantum.expval %{{.*}} of %w [#quantum.term<"Z", []>]
  // CHECK-NEXT: quantum.probs
  // CHECK-NEXT: quantum.dealloc
  // CHECK-NEXT: arith.negf
  %v = quantum.expval %r of %w [#quantum.term<"X", []>] : !quantum.reg<1>, memref<1xf64>
  %n = arith.negf %v : f64
  memref.store %n, %z[] : memref<f64>
  %q0 = quantum.extract %r[0] : !quantum.reg<1>
  %a = quantum.gate "H" on %q0
  %s = quantum.insert %a into %r[0] : !quantum.reg<1>
  quantum.probs %s into %p : !quantum.reg<1>, memref<2xf64>
  %q1 = quantum.extract %s[0] : !quantum.reg<1>
  %b = quantum.gate "H" on %q1
  %t = quantum.insert %b into %s[0] : !quantum.reg<1>
  quantum.dealloc %t : !quantum.reg<1>
  func.return
}
