// RUN: qjit-opt | qjit-opt
// RUN: qjit-opt --print-op-generic | qjit-opt

// CHECK-LABEL: func.func @gates
func.func @gates(%t: f64, %slot: i32, %u: memref<2x2xcomplex<f64>>, %d: memref<4xcomplex<f64>>) {
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>

  // CHECK: %a0 = quantum.gate "RX"(%t) on %q0 slots(%slot) line 7
  %a0 = quantum.gate "RX"(%t) on %q0 slots(%slot) line 7
  // CHECK-NEXT: %a1, %a2 = quantum.gate "CNOT" on %a0 ctrl(%q1)
  %a1, %a2 = quantum.gate "CNOT" on %a0 ctrl(%q1)
  // CHECK-NEXT: %a3, %a4 = quantum.gate "S" adjoint on %a1 ctrl(%a2) values [0]
  %a3, %a4 = quantum.gate "S" adjoint on %a1 ctrl(%a2) values [0]
  // CHECK-NEXT: %a5, %a6 = quantum.gate "PauliRot"(%t) word "XY" on %a3, %a4
  %a5, %a6 = quantum.gate "PauliRot"(%t) word "XY" on %a3, %a4
  // CHECK-NEXT: %a7, %a8 = quantum.gate "PCPhase"(%t) dim 3 on %a5, %a6
  %a7, %a8 = quantum.gate "PCPhase"(%t) dim 3 on %a5, %a6
  // CHECK-NEXT: %a9 = quantum.gate "GlobalPhase"(%t) on %a7
  %a9 = quantum.gate "GlobalPhase"(%t) on %a7
  // CHECK-NEXT: %b0 = quantum.gate "GlobalPhase"(%t) ctrl(%a9)
  %b0 = quantum.gate "GlobalPhase"(%t) ctrl(%a9)
  // CHECK-NEXT: %b1, %b2 = quantum.unitary %u adjoint on %b0 ctrl(%a8) values [0] line 2 : memref<2x2xcomplex<f64>>
  %b1, %b2 = quantum.unitary %u adjoint on %b0 ctrl(%a8) values [0] line 2 : memref<2x2xcomplex<f64>>
  // CHECK-NEXT: %b3, %b4 = quantum.unitary diagonal %d on %b1, %b2 : memref<4xcomplex<f64>>
  %b3, %b4 = quantum.unitary diagonal %d on %b1, %b2 : memref<4xcomplex<f64>>

  %r1 = quantum.insert %b3 into %r[0] : !quantum.reg<3>
  %r2 = quantum.insert %b4 into %r1[1] : !quantum.reg<3>
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return
}
