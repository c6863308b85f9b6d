// RUN: qjit-opt | qjit-opt
// RUN: qjit-opt --print-op-generic | qjit-opt

// CHECK-LABEL: func.func @measurements
func.func @measurements(%c: memref<2xf64>, %u: memref<2x2xcomplex<f64>>, %p: memref<4xf64>, %s: memref<10x2xi64>, %n: memref<4xi64>, %v: memref<4xcomplex<f64>>, %d: memref<2x2xcomplex<f64>>) -> (f64, f64, f64, f64) {
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: %e = quantum.expval %r of %c [#quantum.term<"XX", []>, #quantum.term<"ZI", []>] line 3 : !quantum.reg<2>, memref<2xf64>
  %e = quantum.expval %r of %c [#quantum.term<"XX", []>, #quantum.term<"ZI", []>] line 3 : !quantum.reg<2>, memref<2xf64>
  // CHECK-NEXT: %f = quantum.var %r of %c [#quantum.term<"XX", []>, #quantum.term<"ZI", []>] : !quantum.reg<2>, memref<2xf64>
  %f = quantum.var %r of %c [#quantum.term<"XX", []>, #quantum.term<"ZI", []>] : !quantum.reg<2>, memref<2xf64>
  // CHECK-NEXT: %g = quantum.expval %r of %c [#quantum.term<"XI", [#quantum.factor<0 on [1]>]>, #quantum.term<"ZZ", []>] with %u : memref<2x2xcomplex<f64>> : !quantum.reg<2>, memref<2xf64>
  %g = quantum.expval %r of %c [#quantum.term<"XI", [#quantum.factor<0 on [1]>]>, #quantum.term<"ZZ", []>] with %u : memref<2x2xcomplex<f64>> : !quantum.reg<2>, memref<2xf64>
  // CHECK-NEXT: %h = quantum.var %r of %c [#quantum.term<"XI", []>, #quantum.term<"ZZ", []>] : !quantum.reg<2>, memref<2xf64>
  %h = quantum.var %r of %c [#quantum.term<"XI", []>, #quantum.term<"ZZ", []>] : !quantum.reg<2>, memref<2xf64>
  // CHECK-NEXT: quantum.probs %r [1, 0] into %p : !quantum.reg<2>, memref<4xf64>
  quantum.probs %r [1, 0] into %p : !quantum.reg<2>, memref<4xf64>
  // CHECK-NEXT: quantum.state %r into %v : !quantum.reg<2>, memref<4xcomplex<f64>>
  quantum.state %r into %v : !quantum.reg<2>, memref<4xcomplex<f64>>
  // CHECK-NEXT: quantum.density_matrix %r [1] into %d : !quantum.reg<2>, memref<2x2xcomplex<f64>>
  quantum.density_matrix %r [1] into %d : !quantum.reg<2>, memref<2x2xcomplex<f64>>
  // CHECK-NEXT: quantum.sample %r shots 10 into %s : !quantum.reg<2>, memref<10x2xi64>
  quantum.sample %r shots 10 into %s : !quantum.reg<2>, memref<10x2xi64>
  // CHECK-NEXT: quantum.counts %r [0, 1] shots 10 into %n line 8 : !quantum.reg<2>, memref<4xi64>
  quantum.counts %r [0, 1] shots 10 into %n line 8 : !quantum.reg<2>, memref<4xi64>
  quantum.dealloc %r : !quantum.reg<2>
  func.return %e, %f, %g, %h : f64, f64, f64, f64
}
