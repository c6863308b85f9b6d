; Three qubits in the state 1, 0, and 1 with probability 1/4, recorded in another order
; than they are measured in: r0 is qubit 2, r1 qubit 0, r2 qubit 1.

@0 = internal constant [3 x i8] c"r0\00"
@1 = internal constant [3 x i8] c"r1\00"
@2 = internal constant [3 x i8] c"r2\00"

define i64 @main() #0 {
entry:
  call void @__quantum__rt__initialize(ptr null)
  br label %body

body:
  call void @__quantum__qis__x__body(ptr null)
  call void @__quantum__qis__ry__body(double 0x3FF0C152382D7365, ptr inttoptr (i64 2 to ptr))
  br label %measurements

measurements:
  call void @__quantum__qis__mz__body(ptr null, ptr inttoptr (i64 2 to ptr))
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 1 to ptr), ptr null)
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 2 to ptr), ptr inttoptr (i64 1 to ptr))
  br label %output

output:
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 1 to ptr), ptr @0)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 2 to ptr), ptr @1)
  call void @__quantum__rt__result_record_output(ptr null, ptr @2)
  ret i64 0
}

declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__ry__body(double, ptr)
declare void @__quantum__qis__mz__body(ptr, ptr writeonly) #1
declare void @__quantum__rt__result_record_output(ptr, ptr)

attributes #0 = { "entry_point" "output_labeling_schema"="labeled" "qir_profiles"="base_profile" "required_num_qubits"="3" "required_num_results"="3" }
attributes #1 = { "irreversible" }

!llvm.module.flags = !{!0, !1, !2, !3}
!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
