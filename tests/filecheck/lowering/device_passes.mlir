// RUN: qjit-opt -p device-passes

// CHECK-LABEL: func.func @on_a_line
func.func @on_a_line() {
  // CHECK: quantum.alloc
  // CHECK-SAME: initial_layout
  // CHECK-NOT: "CNOT"
  // CHECK-NOT: "SWAP"
  // CHECK: quantum.gate "CZ"
  // CHECK: quantum.dealloc %{{.*}} {final_layout
  %r = quantum.alloc {target = "statevector{coupling=line gates=CZ,RZ,SX,X pipeline=hardware:1}"} : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  %a0, %a1 = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %b2, %b0 = quantum.gate "CNOT" on %q2 ctrl(%a1)
  %s0 = quantum.insert %a0 into %r[0] : !quantum.reg<3>
  %s1 = quantum.insert %b0 into %s0[1] : !quantum.reg<3>
  %s2 = quantum.insert %b2 into %s1[2] : !quantum.reg<3>
  quantum.dealloc %s2 : !quantum.reg<3>
  func.return
}

// CHECK-LABEL: func.func @on_a_simulator
func.func @on_a_simulator() {
  // CHECK: quantum.gate "CNOT"
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %t, %c = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %s0 = quantum.insert %c into %r[0] : !quantum.reg<2>
  %s1 = quantum.insert %t into %s0[1] : !quantum.reg<2>
  quantum.dealloc %s1 : !quantum.reg<2>
  func.return
}
