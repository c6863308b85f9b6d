// RUN: qjit-opt -p final-qnode-passes

// CHECK-LABEL: func.func @swaps_are_gates_of_the_device
func.func @swaps_are_gates_of_the_device() {
  // CHECK: quantum.alloc
  // CHECK-NOT: final_passes
  // CHECK-NOT: "SWAP"
  // CHECK: quantum.gate "CNOT"
  // CHECK: quantum.delay
  // CHECK-NOT: "SWAP"
  // CHECK: quantum.dealloc %{{.*}} {final_layout
  %r = quantum.alloc {target = "statevector{gates=CNOT,H,RZ pipeline=simulate}", final_passes = ["route-qubits{coupling=\"0-1,1-2\"}", "schedule-gates{durations=\"1:1e-8,2:1e-7\"}"]} : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  %a1, %a0 = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %b2, %b1 = quantum.gate "CNOT" on %q2 ctrl(%a1)
  %c2, %c0 = quantum.gate "CNOT" on %b2 ctrl(%a0)
  %s0 = quantum.insert %c0 into %r[0] : !quantum.reg<3>
  %s1 = quantum.insert %b1 into %s0[1] : !quantum.reg<3>
  %s2 = quantum.insert %c2 into %s1[2] : !quantum.reg<3>
  quantum.dealloc %s2 : !quantum.reg<3>
  func.return
}
