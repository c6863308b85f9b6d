// RUN: qjit-opt -p split-non-commuting

// Z and ZZ are measured in one run, X in another one; results are added up.
// CHECK-LABEL: func.func @two_runs
func.func @two_runs(%x: f64, %w: memref<3xf64>) -> f64 {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"(%x)
  %a = quantum.gate "RX"(%x) on %q0
  %s = quantum.insert %a into %r[0] : !quantum.reg<2>
  // CHECK: %[[ONE:.*]] = quantum.expval %{{.*}} [#quantum.term<"ZI", []>, #quantum.term<"ZZ", []>]
  // CHECK-NEXT: quantum.dealloc
  // CHECK: quantum.alloc
  // CHECK: quantum.gate "RX"(%x)
  // CHECK: %[[TWO:.*]] = quantum.expval %{{.*}} [#quantum.term<"XI", []>]
  // CHECK-NEXT: quantum.dealloc
  // CHECK-NEXT: arith.addf %[[ONE]], %[[TWO]]
  %v = quantum.expval %s of %w [#quantum.term<"ZI", []>, #quantum.term<"ZZ", []>, #quantum.term<"XI", []>] : !quantum.reg<2>, memref<3xf64>
  quantum.dealloc %s : !quantum.reg<2>
  func.return %v : f64
}

// CHECK-LABEL: func.func @one_run
func.func @one_run(%w: memref<2xf64>) -> f64 {
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: quantum.var %r of %w
  // CHECK-NOT: quantum.alloc
  %v = quantum.var %r of %w [#quantum.term<"ZI", []>, #quantum.term<"IX", []>] : !quantum.reg<2>, memref<2xf64>
  quantum.dealloc %r : !quantum.reg<2>
  func.return %v : f64
}
