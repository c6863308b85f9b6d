// RUN: qjit-opt | qjit-opt
// RUN: qjit-opt --print-op-generic | qjit-opt

// CHECK-LABEL: func.func @energies
func.func @energies(%x: memref<8xf64>, %scale: f64, %y: memref<8xf64>) {
  // CHECK: %n = arith.constant 8 : index
  // CHECK-NEXT: batch.for_each @energy(%x, %scale, %y) below %n : (memref<8xf64>, f64, memref<8xf64>)
  %n = arith.constant 8 : index
  batch.for_each @energy(%x, %scale, %y) below %n : (memref<8xf64>, f64, memref<8xf64>)
  func.return
}

func.func private @energy(%x: memref<8xf64>, %scale: f64, %y: memref<8xf64>, %i: index) {
  %angle = memref.load %x[%i] : memref<8xf64>
  %scaled = arith.mulf %angle, %scale : f64
  memref.store %scaled, %y[%i] : memref<8xf64>
  func.return
}
