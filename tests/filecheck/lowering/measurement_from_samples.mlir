// RUN: qjit-opt -p measurement-from-samples{shots=100}

// CHECK-LABEL: func.func @mean
func.func @mean(%w: memref<2xf64>) -> f64 {
  // CHECK: %[[ROWS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<100x2xi64>
  // CHECK: %[[KEY:.*]] = "statevector.execution_key"
  // CHECK-NEXT: "statevector.seed"(%[[KEY]])
  %r = quantum.alloc : !quantum.reg<3>
  // CHECK: quantum.gate "H"
  // CHECK: quantum.sample %{{.*}} [0, 2] shots 100 into %[[ROWS]]
  // CHECK-NEXT: quantum.dealloc
  // CHECK: %[[TOTAL:.*]] = scf.for
  // CHECK: arith.xori
  // CHECK: arith.divf %[[TOTAL]]
  %v = quantum.expval %r of %w [#quantum.term<"ZIX", []>, #quantum.term<"ZII", []>] : !quantum.reg<3>, memref<2xf64>
  quantum.dealloc %r : !quantum.reg<3>
  func.return %v : f64
}
