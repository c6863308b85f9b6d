// RUN: qjit-opt -p rotate-loops

// CHECK-LABEL: func.func @conjugation
func.func @conjugation(%n: index, %x: f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: quantum.gate "H"
  // CHECK: scf.for
  %s = scf.for %i = %zero to %n step %one iter_args(%a = %r) -> (!quantum.reg<2>) {
    %q0 = quantum.extract %a[0] : !quantum.reg<2>
    %q1 = quantum.extract %a[1] : !quantum.reg<2>
    %h = quantum.gate "H" on %q0
    %c, %d = quantum.gate "CNOT" on %q1 ctrl(%h)
    %e = quantum.gate "H" on %d
    // CHECK-NOT: "H"
    // CHECK: quantum.gate "CNOT"
    // CHECK-NOT: "H"
    // CHECK: scf.yield
    %b = quantum.insert %e into %a[0] : !quantum.reg<2>
    %f = quantum.insert %c into %b[1] : !quantum.reg<2>
    scf.yield %f : !quantum.reg<2>
  }
  // CHECK: quantum.gate "H"
  // CHECK: quantum.dealloc
  quantum.dealloc %s : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @twice
func.func @twice() {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %r = quantum.alloc : !quantum.reg<1>
  // CHECK-NOT: quantum.gate
  // CHECK: scf.for
  %s = scf.for %i = %zero to %two step %one iter_args(%a = %r) -> (!quantum.reg<1>) {
    %q = quantum.extract %a[0] : !quantum.reg<1>
    // CHECK: "H"
    %h = quantum.gate "H" on %q
    %t = quantum.gate "T" on %h
    %e = quantum.gate "H" on %t
    %b = quantum.insert %e into %a[0] : !quantum.reg<1>
    scf.yield %b : !quantum.reg<1>
  }
  quantum.dealloc %s : !quantum.reg<1>
  func.return
}
