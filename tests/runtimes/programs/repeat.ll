; Repeat until success, adaptive profile: H and a measurement of qubit 0, until it
; gives 1. Qubit 1 is then turned about y by pi/3 for every failure, and reset where there
; were three or more. The number of failures is recorded between the results.

@0 = internal constant [3 x i8] c"r0\00"
@1 = internal constant [3 x i8] c"r1\00"
@2 = internal constant [9 x i8] c"failures\00"

define i64 @main() #0 {
entry:
  call void @__quantum__rt__initialize(ptr null)
  br label %loop

loop:
  %failures = phi i64 [ 0, %entry ], [ %more, %failed ]
  %angle = phi double [ 0.0, %entry ], [ %further, %failed ]
  call void @__quantum__qis__h__body(ptr null)
  call void @__quantum__qis__mz__body(ptr null, ptr null)
  %outcome = call i1 @__quantum__rt__read_result(ptr readonly null)
  br i1 %outcome, label %done, label %failed

failed:
  %more = add i64 %failures, 1
  %further = fadd double %angle, 0x3FF0C152382D7365
  br label %loop

done:
  call void @__quantum__qis__ry__body(double %angle, ptr inttoptr (i64 1 to ptr))
  %thrice = icmp sge i64 %failures, 3
  br i1 %thrice, label %spoilt, label %output

spoilt:
  call void @__quantum__qis__reset__body(ptr inttoptr (i64 1 to ptr))
  br label %output

output:
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 1 to ptr))
  call void @__quantum__rt__result_record_output(ptr null, ptr @0)
  call void @__quantum__rt__int_record_output(i64 %failures, ptr @2)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 1 to ptr), ptr @1)
  ret i64 0
}

declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__ry__body(double, ptr)
declare void @__quantum__qis__reset__body(ptr) #1
declare void @__quantum__qis__mz__body(ptr, ptr writeonly) #1
declare i1 @__quantum__rt__read_result(ptr readonly)
declare void @__quantum__rt__result_record_output(ptr, ptr)
declare void @__quantum__rt__int_record_output(i64, ptr)

attributes #0 = { "entry_point" "output_labeling_schema"="labeled" "qir_profiles"="adaptive_profile" "required_num_qubits"="2" "required_num_results"="2" }
attributes #1 = { "irreversible" }

!llvm.module.flags = !{!0, !1, !2, !3, !4, !5, !6}
!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
!4 = !{i32 5, !"int_computations", !{!"i64"}}
!5 = !{i32 5, !"float_computations", !{!"double"}}
!6 = !{i32 1, !"backwards_branching", i2 -2}
