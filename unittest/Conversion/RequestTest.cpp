// SPDX-License-Identifier: MIT
// Requests through views and to own registers, against a brute-force evaluation.
#include "Request.h"

#include "Support.h"

#include <random>

using namespace mlir;

namespace tmetal {
namespace {

constexpr int kSimdgroups = 2;

/// For each (register, lane, SIMD group): the element that is requested.
std::vector<int64_t> elementsOf(const Request &request) {
  std::vector<int64_t> elements;
  for (int64_t simdgroup = 0; simdgroup < kSimdgroups; ++simdgroup)
    for (int64_t lane = 0; lane < 32; ++lane)
      for (int64_t reg = 0; reg < request.layout.numRegisters(); ++reg)
        elements.push_back(request.layout.element(reg, lane, simdgroup) ^ request.flip);
  return elements;
}

struct RequestTest : KernelTest {
  /// What the view of the kernel asks of its operand number `which` for row-major elements of its result.
  template <typename Op>
  void expectElements(const std::string &body, std::vector<int64_t> resultShape, unsigned result,
                      unsigned which, llvm::function_ref<int64_t(int64_t)> sourceOf) {
    auto op = find<Op>(parse("", body));
    Request request{LinearLayout::blocked(resultShape, kSimdgroups), 0};
    auto inner = requestsThroughView(cast<OpResult>(op->getResult(result)), request);
    ASSERT_EQ(inner.size(), op->getNumOperands());
    EXPECT_EQ(inner[which].first, op->getOperand(which));
    std::vector<int64_t> wanted = elementsOf(request), asked = elementsOf(inner[which].second);
    ASSERT_EQ(wanted.size(), asked.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_EQ(asked[i], sourceOf(wanted[i])) << body << " element " << wanted[i];
  }
};

TEST_F(RequestTest, Reshape) {
  expectElements<tt::ReshapeOp>("%x = arith.constant dense<0> : tensor<4x32xi32>\n"
                                "%y = tt.reshape %x : tensor<4x32xi32> -> tensor<16x8xi32>",
                                {16, 8}, 0, 0, [](int64_t element) { return element; });
}

TEST_F(RequestTest, ExpandDims) {
  expectElements<tt::ExpandDimsOp>(
      "%x = arith.constant dense<0> : tensor<64xi32>\n"
      "%y = tt.expand_dims %x {axis = 1 : i32} : tensor<64xi32> -> tensor<64x1xi32>",
      {64, 1}, 0, 0, [](int64_t element) { return element; });
}

TEST_F(RequestTest, Broadcast) {
  expectElements<tt::BroadcastOp>("%x = arith.constant dense<0> : tensor<8x1xi32>\n"
                                  "%y = tt.broadcast %x : tensor<8x1xi32> -> tensor<8x16xi32>",
                                  {8, 16}, 0, 0, [](int64_t element) { return element / 16; });
  expectElements<tt::BroadcastOp>("%x = arith.constant dense<0> : tensor<1x16xi32>\n"
                                  "%y = tt.broadcast %x : tensor<1x16xi32> -> tensor<8x16xi32>",
                                  {8, 16}, 0, 0, [](int64_t element) { return element % 16; });
}

TEST_F(RequestTest, Trans) {
  expectElements<tt::TransOp>(
      "%x = arith.constant dense<0> : tensor<4x8x2xi32>\n"
      "%y = tt.trans %x {order = array<i32: 2, 0, 1>} : tensor<4x8x2xi32> -> tensor<2x4x8xi32>",
      {2, 4, 8}, 0, 0, [](int64_t element) {
        int64_t i = element / 32, j = element / 8 % 4, k = element % 8;
        return (j * 8 + k) * 2 + i;
      });
}

TEST_F(RequestTest, JoinAndCat) {
  const std::string operands = "%a = arith.constant dense<0> : tensor<64xi32>\n"
                               "%b = arith.constant dense<1> : tensor<64xi32>\n";
  for (unsigned which : {0u, 1u}) {
    expectElements<tt::JoinOp>(operands + "%y = tt.join %a, %b : tensor<64xi32> -> tensor<64x2xi32>", {64, 2},
                               0, which, [](int64_t element) { return element / 2; });
    expectElements<tt::CatOp>(operands + "%y = tt.cat %a, %b : tensor<64xi32> -> tensor<128xi32>", {128}, 0,
                              which, [](int64_t element) { return element % 64; });
  }
}

TEST_F(RequestTest, Split) {
  for (unsigned result : {0u, 1u})
    expectElements<tt::SplitOp>("%x = arith.constant dense<0> : tensor<64x2xi32>\n"
                                "%a, %b = tt.split %x : tensor<64x2xi32> -> tensor<64xi32>",
                                {64}, result, 0, [&](int64_t element) { return 2 * element + result; });
}

TEST_F(RequestTest, OthersAreNoViews) {
  auto op = find<arith::ConstantOp>(parse("", "%x = arith.constant dense<0> : tensor<64xi32>"));
  EXPECT_TRUE(requestsThroughView(cast<OpResult>(op.getResult()), {}).empty());
}

TEST_F(RequestTest, OwnRegisters) {
  std::mt19937 random(1);
  int found = 0;
  for (int round = 0; round < 200; ++round) {
    // What another thread of the same registers might ask for, and sometimes what none of its registers has.
    Request have{LinearLayout::blockedAlong({16, 32}, int(random() % 2), kSimdgroups),
                 int64_t(random() % 512)};
    Request want = have;
    auto ofOwnRegisters = [&] {
      int64_t sum = round % 8 == 0 ? int64_t(random() % 512) : 0;
      for (int64_t basis : have.layout.registers)
        sum ^= random() % 2 ? basis : 0;
      return sum;
    };
    want.flip ^= ofOwnRegisters();
    for (std::vector<int64_t> *bases : {&want.layout.lanes, &want.layout.simdgroups})
      for (int64_t &basis : *bases)
        basis ^= ofOwnRegisters();
    std::shuffle(want.layout.registers.begin(), want.layout.registers.end(), random);
    std::optional<OwnRegister> place = findOwnRegister(have, want);
    if (!place)
      continue;
    ++found;
    auto apply = [](const std::vector<int64_t> &bases, int64_t index) {
      int64_t result = 0;
      for (size_t bit = 0; bit < bases.size(); ++bit)
        if (index >> bit & 1)
          result ^= bases[bit];
      return result;
    };
    for (int64_t simdgroup = 0; simdgroup < kSimdgroups; ++simdgroup)
      for (int64_t lane = 0; lane < 32; ++lane)
        for (int64_t reg = 0; reg < want.layout.numRegisters(); ++reg) {
          int64_t own = apply(place->map.fromRegisters, reg) ^ apply(place->map.fromLanes, lane) ^
                        apply(place->map.fromSimdgroups, simdgroup) ^ place->constant;
          EXPECT_EQ(have.layout.element(own, lane, simdgroup) ^ have.flip,
                    want.layout.element(reg, lane, simdgroup) ^ want.flip);
        }
  }
  EXPECT_GE(found, 150);
  EXPECT_LT(found, 200);
}

TEST_F(RequestTest, ManyRegistersAreNotChosenAtRunTime) {
  // The lane says which register: fine for few of them, memory on a GPU for many.
  auto withRegisters = [](int64_t count) {
    LinearLayout have, want;
    have.shape = want.shape = {count};
    for (int64_t bit = 1; bit < count; bit *= 2)
      have.registers.push_back(bit);
    have.lanes.assign(5, 0);
    want.lanes = {1, 0, 0, 0, 0};
    have.simdgroups = want.simdgroups = {0};
    return findOwnRegister({have, 0}, {want, 0}).has_value();
  };
  EXPECT_TRUE(withRegisters(8));
  EXPECT_FALSE(withRegisters(16));
}

} // namespace
} // namespace tmetal
