// SPDX-License-Identifier: MIT
// Matrices of a batch in the rectangle of a SIMD group: several whole ones, or a part of one.
// RUN: triton-metal-translate --emit-msl %s -o %t.metal && FileCheck %s < %t.metal
// RUN: %compile-msl %t.metal

tm.kernel @batches attributes {simdgroups = 2 : i64, parameterNames = [], threadgroupBytes = 6144 : i64} {
  %several = tm.fragments : !tm.fragments<64 by 16 x f32, 2 by 1>
  %a = tm.shared {offset = 0 : i64} : <1024 x f32>
  %b = tm.shared {offset = 4096 : i64} : <512 x f32>
  // CHECK: TM_UNROLL_GPU for (int part = 0; part < 2; ++part) {
  // CHECK: const int batch = (row + part * 16) / 16;
  // CHECK: for (int k = 0; k < 8; k += 8) {
  // CHECK: simdgroup_load(a[i], {{.*}} + batch * 128 + (row % 16 + i * 8) * 8 + k, 8);
  // CHECK: simdgroup_load(b[i], {{.*}} + batch * 128 + (column + i * 8) * 8 + k, 8, ulong2(0), true);
  // CHECK: simdgroup_multiply_accumulate(TM_FRAGMENT({{.*}}, (part * 2 + i) * 2 + j), a[i], b[j],
  tm.multiply_accumulate %several, %a stride 8, %b stride 8 transposed depth 8 batches 4 : !tm.fragments<64 by 16 x f32, 2 by 1>, !tm.shared<1024 x f32>, !tm.shared<512 x f32>
  %part = tm.fragments : !tm.fragments<32 by 16 x f32, 1 by 2>
  // CHECK: TM_UNROLL_GPU for (int part = 0; part < 2; ++part) {
  // CHECK: const int batch = (row + part * 16) / 16;
  tm.multiply_accumulate %part, %a stride 16 transposed, %b stride 16 depth 16 batches 2 : !tm.fragments<32 by 16 x f32, 1 by 2>, !tm.shared<1024 x f32>, !tm.shared<512 x f32>
  // CHECK-NOT: int part =
  // CHECK: const int batch = row / 16;
  // CHECK: simdgroup_load(a[i], {{.*}} + batch * 256 + k * 16 + row % 16 + i * 8, 16, ulong2(0), true);
  %tall = tm.fragments : !tm.fragments<32 by 8 x f32, 2 by 1>
  tm.multiply_accumulate %tall, %a stride 16 transposed, %b stride 8 depth 16 batches 2 : !tm.fragments<32 by 8 x f32, 2 by 1>, !tm.shared<1024 x f32>, !tm.shared<512 x f32>
}
