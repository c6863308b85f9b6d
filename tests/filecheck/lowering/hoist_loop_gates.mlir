// RUN: qjit-opt -p hoist-loop-gates

// CHECK-LABEL: func.func @counted
func.func @counted(%n: index, %x: f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: arith.ceildivsi
  // CHECK: arith.maxsi
  // CHECK: scf.for
  // CHECK-NOT: "RZ"
  // CHECK: "X"
  // CHECK: scf.yield
  // CHECK: arith.mulf
  // CHECK: "RZ"
  %s = scf.for %i = %zero to %n step %one iter_args(%a = %r) -> (!quantum.reg<2>) {
    %q0 = quantum.extract %a[0] : !quantum.reg<2>
    %q1 = quantum.extract %a[1] : !quantum.reg<2>
    %h = quantum.gate "RZ"(%x) on %q0
    %k = quantum.gate "X" on %q1
    %b = quantum.insert %h into %a[0] : !quantum.reg<2>
    %c = quantum.insert %k into %b[1] : !quantum.reg<2>
    scf.yield %c : !quantum.reg<2>
  }
  quantum.dealloc %s : !quantum.reg<2>
  func.return
}
