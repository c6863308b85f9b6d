// RUN: qjit-opt -p build-schedules,select-kernels

// The gates of a small state are one pass; CNOT and X gates only say where amplitudes
// are, and matrices that meet on a wire are multiplied. A phase between pair gates leaves
// its scale for later.
// CHECK-LABEL: func.func @merges
func.func @merges(%x: f64, %y: f64) {
  %r = quantum.alloc : !quantum.reg<3>
  %a = quantum.extract %r[0] : !quantum.reg<3>
  %b = quantum.extract %r[1] : !quantum.reg<3>
  %a1 = quantum.gate "RX"(%x) on %a
  %a2 = quantum.gate "RY"(%y) on %a1
  %b1 = quantum.gate "RZ"(%y) on %b
  %b2, %a3 = quantum.gate "CNOT" on %b1 ctrl(%a2)
  %b3 = quantum.gate "RY"(%x) on %b2
  %r1 = quantum.insert %a3 into %r[0] : !quantum.reg<3>
  %r2 = quantum.insert %b3 into %r1[1] : !quantum.reg<3>
  // CHECK: statevector.schedule
  // CHECK: } kernel ["RX RY on 100; RZ as 1 + N by 010; RY on 010", "move amplitudes"]
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return
}

// A pass acts on three qubits, besides those in the lanes of registers, and takes a gate
// past others that it commutes with.
// CHECK-LABEL: func.func @reorders
func.func @reorders(%x: f64) {
  %r = quantum.alloc : !quantum.reg<9>
  %q0 = quantum.extract %r[0] : !quantum.reg<9>
  %q1 = quantum.extract %r[1] : !quantum.reg<9>
  %q2 = quantum.extract %r[2] : !quantum.reg<9>
  %q3 = quantum.extract %r[3] : !quantum.reg<9>
  %q4 = quantum.extract %r[4] : !quantum.reg<9>
  %a3 = quantum.gate "RX"(%x) on %q3
  %a0 = quantum.gate "RX"(%x) on %q0
  %a1 = quantum.gate "RX"(%x) on %q1
  %a2 = quantum.gate "RX"(%x) on %q2
  %a4 = quantum.gate "RX"(%x) on %q4
  %b1, %b0 = quantum.gate "RY"(%x) on %a1 ctrl(%a0)
  %r0 = quantum.insert %b0 into %r[0] : !quantum.reg<9>
  %r1 = quantum.insert %b1 into %r0[1] : !quantum.reg<9>
  %r2 = quantum.insert %a2 into %r1[2] : !quantum.reg<9>
  %r3 = quantum.insert %a3 into %r2[3] : !quantum.reg<9>
  %r4 = quantum.insert %a4 into %r3[4] : !quantum.reg<9>
  // CHECK: statevector.schedule
  // CHECK: } kernel ["RX on 000100000; RX on 100000000; RX on 010000000; RY on 010000000 if {{[01]+}}", "RX on 001000000; RX on 000010000"]
  quantum.dealloc %r4 : !quantum.reg<9>
  func.return
}

// A phase on the wire of a later pass waits for that one, which has it in a group.
// CHECK-LABEL: func.func @put_off
func.func @put_off(%x: f64) {
  %r = quantum.alloc : !quantum.reg<9>
  %q0 = quantum.extract %r[0] : !quantum.reg<9>
  %q1 = quantum.extract %r[1] : !quantum.reg<9>
  %q2 = quantum.extract %r[2] : !quantum.reg<9>
  %q3 = quantum.extract %r[3] : !quantum.reg<9>
  %a0 = quantum.gate "RX"(%x) on %q0
  %a1 = quantum.gate "RX"(%x) on %q1
  %a2 = quantum.gate "RX"(%x) on %q2
  %a3 = quantum.gate "RZ"(%x) on %q3
  %b2, %b3 = quantum.gate "CZ" on %a2 ctrl(%a3)
  %c2 = quantum.gate "RX"(%x) on %b2
  %c3 = quantum.gate "RY"(%x) on %b3
  %r0 = quantum.insert %a0 into %r[0] : !quantum.reg<9>
  %r1 = quantum.insert %a1 into %r0[1] : !quantum.reg<9>
  %r2 = quantum.insert %c2 into %r1[2] : !quantum.reg<9>
  %r3 = quantum.insert %c3 into %r2[3] : !quantum.reg<9>
  // CHECK: statevector.schedule
  // CHECK: } kernel ["RX on 100000000; RX on 010000000; RX on 001000000; CZ by
  // CHECK-SAME: RX on 001000000", "RZ as 1 + N by 000100000; RY on 000100000"]
  quantum.dealloc %r3 : !quantum.reg<9>
  func.return
}

// A wire that is computed is left to the runtime.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: f64, %wire: i64) {
  %r = quantum.alloc : !quantum.reg<3>
  %a = quantum.extract %r[%wire] : !quantum.reg<3>
  %a1 = quantum.gate "RX"(%x) on %a
  %r1 = quantum.insert %a1 into %r[%wire] : !quantum.reg<3>
  // CHECK: statevector.schedule
  // CHECK-NOT: kernel [
  quantum.dealloc %r1 : !quantum.reg<3>
  func.return
}

// A large state is taken tile by tile, whose amplitudes differ in the bits of a stage;
// gates that only read other bits, as controls or diagonals, are part of any stage.
// CHECK-LABEL: func.func @tiles
func.func @tiles(%x: f64) {
  %r = quantum.alloc : !quantum.reg<24>
  %a = quantum.extract %r[0] : !quantum.reg<24>
  %b = quantum.extract %r[12] : !quantum.reg<24>
  %c = quantum.extract %r[23] : !quantum.reg<24>
  %a1 = quantum.gate "RY"(%x) on %a
  %c1, %a2 = quantum.gate "CNOT" on %c ctrl(%a1)
  %b1, %a3 = quantum.gate "RZ"(%x) on %b ctrl(%a2)
  %r1 = quantum.insert %a3 into %r[0] : !quantum.reg<24>
  %r2 = quantum.insert %b1 into %r1[12] : !quantum.reg<24>
  %r3 = quantum.insert %c1 into %r2[23] : !quantum.reg<24>
  // CHECK: statevector.schedule
  // CHECK: } kernel ["tiles of x-{{[x-]+}}", "RY on
  // CHECK-SAME: RZ by
  // CHECK-SAME: "move amplitudes"]
  quantum.dealloc %r3 : !quantum.reg<24>
  func.return
}
