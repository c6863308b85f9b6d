// RUN: qjit-opt | qjit-opt
// RUN: qjit-opt --print-op-generic | qjit-opt

// CHECK-LABEL: func.func @registers
func.func @registers(%i: i64, %amplitudes: memref<4xcomplex<f64>>) -> i1 {
  // CHECK: %r = quantum.alloc : !quantum.reg<3>
  %r = quantum.alloc : !quantum.reg<3>
  // CHECK-NEXT: %r2 = quantum.state_prep %r [1, 2] from %amplitudes : !quantum.reg<3>, memref<4xcomplex<f64>>
  %r2 = quantum.state_prep %r [1, 2] from %amplitudes : !quantum.reg<3>, memref<4xcomplex<f64>>
  // CHECK-NEXT: %r3 = quantum.state_prep %r2 at(%i, %i) from %amplitudes : !quantum.reg<3>, memref<4xcomplex<f64>>
  %r3 = quantum.state_prep %r2 at(%i, %i) from %amplitudes : !quantum.reg<3>, memref<4xcomplex<f64>>
  // CHECK-NEXT: %q = quantum.extract %r3[%i] line 9 : !quantum.reg<3>
  %q = quantum.extract %r3[%i] line 9 : !quantum.reg<3>
  // CHECK-NEXT: %m, %q1 = quantum.measure %q postselect 1 reset line 3
  %m, %q1 = quantum.measure %q postselect 1 reset line 3
  // CHECK-NEXT: %q2 = quantum.reset %q1
  %q2 = quantum.reset %q1
  // CHECK-NEXT: %r4 = quantum.insert %q2 into %r3[%i] : !quantum.reg<3>
  %r4 = quantum.insert %q2 into %r3[%i] : !quantum.reg<3>
  // CHECK-NEXT: quantum.dealloc %r4 : !quantum.reg<3>
  quantum.dealloc %r4 : !quantum.reg<3>
  func.return %m : i1
}
