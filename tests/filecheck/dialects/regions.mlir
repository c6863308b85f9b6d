// RUN: qjit-opt | qjit-opt
// RUN: qjit-opt --print-op-generic | qjit-opt

// CHECK-LABEL: func.func @regions
func.func @regions() {
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: %r1 = quantum.adjoint %r : !quantum.reg<2> {
  // CHECK-NEXT: ^bb0(%a: !quantum.reg<2>):
  // CHECK-NEXT:   quantum.yield %a : !quantum.reg<2>
  // CHECK-NEXT: }
  %r1 = quantum.adjoint %r : !quantum.reg<2> {
  ^bb0(%a: !quantum.reg<2>):
    quantum.yield %a : !quantum.reg<2>
  }
  %q = quantum.extract %r1[0] : !quantum.reg<2>
  // CHECK: %r2, %q1 = quantum.ctrl %r1 by %q values [0] : !quantum.reg<2> {
  %r2, %q1 = quantum.ctrl %r1 by %q values [0] : !quantum.reg<2> {
  ^bb0(%b: !quantum.reg<2>):
    %t = quantum.extract %b[1] : !quantum.reg<2>
    %t1 = quantum.gate "X" on %t
    %b1 = quantum.insert %t1 into %b[1] : !quantum.reg<2>
    quantum.yield %b1 : !quantum.reg<2>
  }
  %r3 = quantum.insert %q1 into %r2[0] : !quantum.reg<2>
  quantum.dealloc %r3 : !quantum.reg<2>
  func.return
}
