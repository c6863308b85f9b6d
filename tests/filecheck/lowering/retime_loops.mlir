// RUN: qjit-opt -p build-schedules,retime-loops,select-kernels

// The last gate has its target in a tile with the first one, but not with the words, which
// fill one. It begins the next iteration, and follows the loop; in front of it, it would do
// nothing to the first basis state.
// CHECK-LABEL: func.func @closes
func.func @closes(%x: f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %ten = arith.constant 10 : index
  %r = quantum.alloc : !quantum.reg<24>
  // CHECK: scf.for
  // CHECK-NEXT: statevector.schedule
  // CHECK-NEXT: CNOT on 0 ctrl 10
  // CHECK-NEXT: RY(%x) on 0
  // CHECK: } kernel ["tiles of x{{[x-]+}}", "RY on {{[01]+}}", "move amplitudes", "tiles of -xxxxxxxxxx---------xxxx", "PauliRot on {{[01]+}}; PauliRot on {{[01]+}}"]
  // CHECK-NEXT: scf.yield
  // CHECK: statevector.schedule
  // CHECK-NEXT: CNOT on 0 ctrl 10
  // CHECK-NEXT: } kernel [{{.*}}"move amplitudes"]
  %s = scf.for %i = %zero to %ten step %one iter_args(%r0 = %r) -> (!quantum.reg<24>) {
    %w0 = quantum.extract %r0[0] : !quantum.reg<24>
    %w1 = quantum.extract %r0[1] : !quantum.reg<24>
    %w2 = quantum.extract %r0[2] : !quantum.reg<24>
    %w3 = quantum.extract %r0[3] : !quantum.reg<24>
    %w4 = quantum.extract %r0[4] : !quantum.reg<24>
    %w5 = quantum.extract %r0[5] : !quantum.reg<24>
    %w6 = quantum.extract %r0[6] : !quantum.reg<24>
    %w7 = quantum.extract %r0[7] : !quantum.reg<24>
    %w8 = quantum.extract %r0[8] : !quantum.reg<24>
    %w9 = quantum.extract %r0[9] : !quantum.reg<24>
    %w10 = quantum.extract %r0[10] : !quantum.reg<24>
    %v0 = quantum.gate "RY"(%x) on %w0
    %u1, %u2, %u3, %u4, %u5, %u6, %u7, %u8, %u9, %u10 = quantum.gate "PauliRot"(%x) word "XXXXXXXXXX" on %w1, %w2, %w3, %w4, %w5, %w6, %w7, %w8, %w9, %w10
    %v1, %v2, %v3, %v4, %v5, %v6, %v7, %v8, %v9, %v10 = quantum.gate "PauliRot"(%x) word "YXXXXXXXXX" on %u1, %u2, %u3, %u4, %u5, %u6, %u7, %u8, %u9, %u10
    %t0, %t10 = quantum.gate "CNOT" on %v0 ctrl(%v10)
    %r1 = quantum.insert %t0 into %r0[0] : !quantum.reg<24>
    %r2 = quantum.insert %v1 into %r1[1] : !quantum.reg<24>
    %r3 = quantum.insert %v2 into %r2[2] : !quantum.reg<24>
    %r4 = quantum.insert %v3 into %r3[3] : !quantum.reg<24>
    %r5 = quantum.insert %v4 into %r4[4] : !quantum.reg<24>
    %r6 = quantum.insert %v5 into %r5[5] : !quantum.reg<24>
    %r7 = quantum.insert %v6 into %r6[6] : !quantum.reg<24>
    %r8 = quantum.insert %v7 into %r7[7] : !quantum.reg<24>
    %r9 = quantum.insert %v8 into %r8[8] : !quantum.reg<24>
    %r10 = quantum.insert %v9 into %r9[9] : !quantum.reg<24>
    %end = quantum.insert %t10 into %r10[10] : !quantum.reg<24>
    scf.yield %end : !quantum.reg<24>
  }
  quantum.dealloc %s : !quantum.reg<24>
  func.return
}

// Twice is too few: what stands around the loop takes as long as two turns.
// CHECK-LABEL: func.func @twice
func.func @twice(%x: f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %r = quantum.alloc : !quantum.reg<24>
  // CHECK: scf.for
  // CHECK-NEXT: statevector.schedule
  // CHECK: "PauliRot on {{[01]+}}; PauliRot on {{[01]+}}", "tiles of x{{[x-]+}}", "scale", "move amplitudes"]
  // CHECK-NEXT: scf.yield
  // CHECK-NOT: statevector.schedule
  %s = scf.for %i = %zero to %two step %one iter_args(%r0 = %r) -> (!quantum.reg<24>) {
    %w0 = quantum.extract %r0[0] : !quantum.reg<24>
    %w1 = quantum.extract %r0[1] : !quantum.reg<24>
    %w2 = quantum.extract %r0[2] : !quantum.reg<24>
    %w3 = quantum.extract %r0[3] : !quantum.reg<24>
    %w4 = quantum.extract %r0[4] : !quantum.reg<24>
    %w5 = quantum.extract %r0[5] : !quantum.reg<24>
    %w6 = quantum.extract %r0[6] : !quantum.reg<24>
    %w7 = quantum.extract %r0[7] : !quantum.reg<24>
    %w8 = quantum.extract %r0[8] : !quantum.reg<24>
    %w9 = quantum.extract %r0[9] : !quantum.reg<24>
    %w10 = quantum.extract %r0[10] : !quantum.reg<24>
    %v0 = quantum.gate "RY"(%x) on %w0
    %u1, %u2, %u3, %u4, %u5, %u6, %u7, %u8, %u9, %u10 = quantum.gate "PauliRot"(%x) word "XXXXXXXXXX" on %w1, %w2, %w3, %w4, %w5, %w6, %w7, %w8, %w9, %w10
    %v1, %v2, %v3, %v4, %v5, %v6, %v7, %v8, %v9, %v10 = quantum.gate "PauliRot"(%x) word "YXXXXXXXXX" on %u1, %u2, %u3, %u4, %u5, %u6, %u7, %u8, %u9, %u10
    %t0, %t10 = quantum.gate "CNOT" on %v0 ctrl(%v10)
    %r1 = quantum.insert %t0 into %r0[0] : !quantum.reg<24>
    %r2 = quantum.insert %v1 into %r1[1] : !quantum.reg<24>
    %r3 = quantum.insert %v2 into %r2[2] : !quantum.reg<24>
    %r4 = quantum.insert %v3 into %r3[3] : !quantum.reg<24>
    %r5 = quantum.insert %v4 into %r4[4] : !quantum.reg<24>
    %r6 = quantum.insert %v5 into %r5[5] : !quantum.reg<24>
    %r7 = quantum.insert %v6 into %r6[6] : !quantum.reg<24>
    %r8 = quantum.insert %v7 into %r7[7] : !quantum.reg<24>
    %r9 = quantum.insert %v8 into %r8[8] : !quantum.reg<24>
    %r10 = quantum.insert %v9 into %r9[9] : !quantum.reg<24>
    %end = quantum.insert %t10 into %r10[10] : !quantum.reg<24>
    scf.yield %end : !quantum.reg<24>
  }
  quantum.dealloc %s : !quantum.reg<24>
  func.return
}
