// SPDX-License-Identifier: MIT
// Properties of index expressions, against point-by-point evaluation on random expressions.
#include "triton-metal/Analysis/IndexExpr.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace tmetal;

namespace {

class RandomIndex {
public:
  explicit RandomIndex(unsigned seed) : engine(seed) {}
  int64_t number(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(engine);
  }
  Extents extents(unsigned rank) {
    Extents result;
    for (unsigned i = 0; i < rank; ++i)
      result.push_back(int64_t(1) << number(0, 3));
    return result;
  }
  IndexExpr expression(const Extents &extents) {
    IndexExpr expr = IndexExpr::constant(number(-50, 50), extents.size());
    for (unsigned i = 0; i < extents.size(); ++i)
      if (extents[i] > 1 && number(0, 2))
        expr.coefficients[i] = number(-9, 9);
    if (number(0, 1)) { // a table over some of the axes
      Extents shape(extents.size(), 1);
      int64_t size = 1;
      for (unsigned i = 0; i < shape.size(); ++i)
        if (number(0, 1))
          size *= shape[i] = extents[i];
      std::vector<int64_t> values;
      for (int64_t k = 0; k < size; ++k)
        values.push_back(number(-100, 100));
      expr = *IndexExpr::add(expr, IndexExpr::fromValues(shape, values), extents);
    }
    return expr;
  }

private:
  std::mt19937 engine;
};

TEST(IndexExpr, RecognisesAffineValues) {
  Extents extents = {4, 8};
  IndexExpr affine = IndexExpr::constant(3, 2);
  affine.coefficients = {16, -2};
  EXPECT_EQ(IndexExpr::fromValues(extents, affine.values(extents)), affine);
  EXPECT_TRUE(IndexExpr::fromValues(extents, affine.values(extents)).isAffine());
  std::vector<int64_t> values = affine.values(extents);
  values[17] += 1;
  EXPECT_FALSE(IndexExpr::fromValues(extents, values).isAffine());
}

TEST(IndexExpr, TableKeepsOnlyTheAxesItVariesOver) {
  Extents extents = {4, 8};
  std::vector<int64_t> values;
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 8; ++j)
      values.push_back(j * j);
  IndexExpr squares = IndexExpr::fromValues(extents, values);
  EXPECT_FALSE(squares.varies(0));
  EXPECT_TRUE(squares.varies(1));
  EXPECT_EQ(squares.values(extents), values);
}

TEST(IndexExpr, ArithmeticAgreesWithPoints) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomIndex random(seed);
    Extents extents = random.extents(1 + seed % 4);
    IndexExpr a = random.expression(extents), b = random.expression(extents);
    int64_t factor = random.number(-7, 7);
    std::vector<int64_t> x = a.values(extents), y = b.values(extents);
    std::vector<int64_t> sum = IndexExpr::add(a, b, extents)->values(extents);
    std::vector<int64_t> difference = IndexExpr::subtract(a, b, extents)->values(extents);
    std::vector<int64_t> product = a.scaled(factor, extents)->values(extents);
    auto maximum =
        IndexExpr::map({a, b}, extents, [](llvm::ArrayRef<int64_t> v) { return std::max(v[0], v[1]); });
    std::vector<int64_t> largest = maximum->values(extents);
    Range range = *a.range(extents);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(sum[i], x[i] + y[i]) << "seed " << seed;
      ASSERT_EQ(difference[i], x[i] - y[i]) << "seed " << seed;
      ASSERT_EQ(product[i], x[i] * factor) << "seed " << seed;
      ASSERT_EQ(largest[i], std::max(x[i], y[i])) << "seed " << seed;
      ASSERT_TRUE(range.min <= x[i] && x[i] <= range.max) << "seed " << seed;
    }
  }
}

TEST(IndexExpr, ReshapeKeepsRowMajorOrder) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomIndex random(seed);
    Extents extents = random.extents(3);
    IndexExpr a = random.expression(extents);
    int64_t tail = extents[1] * extents[2];
    Extents newTail;
    for (int64_t rest = tail; rest > 1;) {
      int64_t part = std::min<int64_t>(rest, int64_t(1) << random.number(0, 3));
      newTail.push_back(part);
      rest /= part;
    }
    auto reshaped = a.reshaped(1, extents, newTail);
    ASSERT_TRUE(reshaped) << "seed " << seed;
    Extents shape = {extents[0]};
    shape.append(newTail.begin(), newTail.end());
    ASSERT_EQ(reshaped->values(shape), a.values(extents)) << "seed " << seed;
  }
}

TEST(IndexExpr, PermutationAndSlicesPickTheSamePoints) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    RandomIndex random(seed);
    Extents extents = random.extents(3);
    IndexExpr a = random.expression(extents);
    std::vector<int64_t> values = a.values(extents);
    auto at = [&](int64_t i, int64_t j, int64_t k) { return values[(i * extents[1] + j) * extents[2] + k]; };
    Extents turned = {extents[2], extents[0], extents[1]};
    std::vector<int64_t> permuted = a.permuted({2, 0, 1}).values(turned);
    int64_t start = random.number(0, extents[1] - 1), stop = random.number(start + 1, extents[1]);
    Extents part = {extents[0], stop - start, extents[2]};
    std::vector<int64_t> sliced = a.sliced(1, start, stop).values(part);
    size_t n = 0, m = 0;
    for (int64_t k = 0; k < extents[2]; ++k)
      for (int64_t i = 0; i < extents[0]; ++i)
        for (int64_t j = 0; j < extents[1]; ++j)
          ASSERT_EQ(permuted[n++], at(i, j, k)) << "seed " << seed;
    for (int64_t i = 0; i < extents[0]; ++i)
      for (int64_t j = start; j < stop; ++j)
        for (int64_t k = 0; k < extents[2]; ++k)
          ASSERT_EQ(sliced[m++], at(i, j, k)) << "seed " << seed;
  }
}

TEST(IndexExpr, OverflowIsNotHidden) {
  IndexExpr big = IndexExpr::axis(1, 0, int64_t(1) << 40);
  EXPECT_FALSE(big.scaled(int64_t(1) << 40, {1024}));
  EXPECT_TRUE((Range{-128, 127}).fitsSigned(8));
  EXPECT_FALSE((Range{-129, 0}).fitsSigned(8));
  EXPECT_EQ(wrapSigned(int64_t(1) << 31, 32), -(int64_t(1) << 31));
  EXPECT_EQ(wrapSigned(-1, 64), -1);
}

TEST(Condition, DropsWhatAlwaysHoldsAndSeesWhatNeverDoes) {
  Extents extents = {8};
  Condition condition;
  condition.add(IndexExpr::axis(1, 0), extents); // i >= 0
  EXPECT_EQ(condition.constantValue(), true);
  condition.add(IndexExpr::axis(1, 0, 1, -4), extents); // i >= 4
  EXPECT_EQ(condition.constantValue(), std::nullopt);
  condition.add(IndexExpr::axis(1, 0, -1, -1), extents); // i <= -1
  EXPECT_EQ(condition.constantValue(), false);
}

TEST(Condition, NegationIsTheComplement) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    RandomIndex random(seed);
    Extents extents = random.extents(2);
    Condition condition;
    condition.add(random.expression(extents), extents);
    if (seed % 2)
      condition.add(random.expression(extents), extents);
    auto negated = condition.negated(extents);
    ASSERT_TRUE(negated);
    std::vector<int64_t> a = condition.asInteger(extents)->values(extents);
    std::vector<int64_t> b = negated->asInteger(extents)->values(extents);
    for (size_t i = 0; i < a.size(); ++i)
      ASSERT_EQ(a[i] + b[i], 1) << "seed " << seed;
  }
}

} // namespace
