// SPDX-License-Identifier: MIT
// Each operation on index expressions is compared with the same operation on lists of their values.
#include "triton-metal/Analysis/IndexExpr.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

using namespace tmetal;

namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

class IndexExprTest : public ::testing::Test {
protected:
  std::mt19937 random{12345};

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }

  Extents randomExtents() {
    Extents extents;
    for (int64_t axes = pick(1, 4); axes > 0; --axes)
      extents.push_back(pick(1, 5));
    return extents;
  }

  /// An affine expression, sometimes with a table over some of the axes.
  IndexExpr randomExpr(llvm::ArrayRef<int64_t> extents) {
    IndexExpr expr = IndexExpr::constant(pick(-20, 20), extents.size());
    for (unsigned axis = 0; axis < extents.size(); ++axis)
      if (pick(0, 1))
        expr = *IndexExpr::add(expr, IndexExpr::axis(extents.size(), axis, pick(-7, 7)), extents);
    if (pick(0, 2) == 0) {
      int64_t divisor = pick(2, 4);
      expr = *IndexExpr::map({expr}, extents, [&](llvm::ArrayRef<int64_t> v) { return v[0] / divisor; });
    }
    return expr;
  }

  /// The values at all points of the index space.
  static std::vector<int64_t> list(const IndexExpr &expr, llvm::ArrayRef<int64_t> extents) {
    return expr.values(extents);
  }
};

int64_t count(llvm::ArrayRef<int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t(1), std::multiplies<>());
}

} // namespace

TEST_F(IndexExprTest, AxisIsItsIndex) {
  EXPECT_EQ(list(IndexExpr::axis(2, 1), {2, 3}), (std::vector<int64_t>{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(list(IndexExpr::axis(2, 0, 10, 5), {2, 3}), (std::vector<int64_t>{5, 5, 5, 15, 15, 15}));
}

TEST_F(IndexExprTest, AffineValuesAreRecognised) {
  for (int trial = 0; trial < 200; ++trial) {
    Extents extents = randomExtents();
    IndexExpr expr = randomExpr(extents);
    IndexExpr again = IndexExpr::fromValues(extents, list(expr, extents));
    EXPECT_EQ(list(again, extents), list(expr, extents));
    if (expr.isAffine())
      EXPECT_TRUE(again.isAffine());
  }
}

TEST_F(IndexExprTest, OneOtherValueIsNotAffine) {
  Extents extents = {4, 8};
  IndexExpr affine = IndexExpr::constant(3, 2);
  affine.coefficients = {16, -2};
  std::vector<int64_t> values = list(affine, extents);
  EXPECT_EQ(IndexExpr::fromValues(extents, values), affine);
  values[17] += 1;
  EXPECT_FALSE(IndexExpr::fromValues(extents, values).isAffine());
}

TEST_F(IndexExprTest, TablesKeepOnlyTheAxesTheyVaryOver) {
  Extents extents = {4, 8};
  std::vector<int64_t> values;
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 8; ++j)
      values.push_back(j * j);
  IndexExpr squares = IndexExpr::fromValues(extents, values);
  EXPECT_FALSE(squares.varies(0));
  EXPECT_TRUE(squares.varies(1));
  EXPECT_EQ(list(squares, extents), values);
}

TEST_F(IndexExprTest, ArithmeticActsPointByPoint) {
  for (int trial = 0; trial < 500; ++trial) {
    Extents extents = randomExtents();
    IndexExpr a = randomExpr(extents), b = randomExpr(extents);
    std::vector<int64_t> x = list(a, extents), y = list(b, extents);
    int64_t factor = pick(-5, 5);
    auto sum = IndexExpr::add(a, b, extents), difference = IndexExpr::subtract(a, b, extents);
    auto scaled = a.scaled(factor, extents);
    auto largest =
        IndexExpr::map({a, b}, extents, [](llvm::ArrayRef<int64_t> v) { return std::max(v[0], v[1]); });
    ASSERT_TRUE(sum && difference && scaled && largest);
    std::vector<int64_t> s = list(*sum, extents), d = list(*difference, extents), m = list(*scaled, extents),
                         o = list(a + 3, extents), l = list(*largest, extents);
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(s[i], x[i] + y[i]);
      EXPECT_EQ(d[i], x[i] - y[i]);
      EXPECT_EQ(m[i], x[i] * factor);
      EXPECT_EQ(o[i], x[i] + 3);
      EXPECT_EQ(l[i], std::max(x[i], y[i]));
    }
  }
}

TEST_F(IndexExprTest, RangeHoldsEveryValueAndIsExactWhenAffine) {
  for (int trial = 0; trial < 500; ++trial) {
    Extents extents = randomExtents();
    IndexExpr expr = randomExpr(extents);
    std::vector<int64_t> values = list(expr, extents);
    auto [low, high] = std::minmax_element(values.begin(), values.end());
    std::optional<Range> range = expr.range(extents);
    ASSERT_TRUE(range);
    EXPECT_LE(range->min, *low);
    EXPECT_GE(range->max, *high);
    if (expr.isAffine()) {
      EXPECT_EQ(range->min, *low);
      EXPECT_EQ(range->max, *high);
    }
  }
}

TEST_F(IndexExprTest, OverflowHasNoRangeAndNoResult) {
  IndexExpr large = IndexExpr::axis(1, 0, kMax / 2);
  EXPECT_TRUE(large.range({3}));
  EXPECT_FALSE(large.range({4}));
  EXPECT_FALSE(IndexExpr::constant(kMax, 1).scaled(2, {1}));
  EXPECT_FALSE(IndexExpr::add(IndexExpr::constant(kMax, 1), IndexExpr::constant(1, 1), {1}));
  // The same where the values are in tables, the one that does not fit among others that do.
  IndexExpr extremes = IndexExpr::fromValues({4}, {-kMax - 1, 3, kMax, 5});
  ASSERT_TRUE(extremes.table);
  EXPECT_FALSE(extremes.scaled(-1, {4}));
  EXPECT_FALSE(IndexExpr::subtract(IndexExpr::axis(1, 0, 1), extremes, {4}));
  EXPECT_FALSE(IndexExpr::add(extremes, IndexExpr::fromValues({4}, {0, 7, 1, 2}), {4}));
  EXPECT_TRUE(IndexExpr::add(extremes, IndexExpr::fromValues({4}, {0, 7, -1, 2}), {4}));
}

TEST_F(IndexExprTest, ChangesOfTheIndexSpace) {
  for (int trial = 0; trial < 500; ++trial) {
    Extents extents = randomExtents();
    unsigned rank = extents.size();
    IndexExpr expr = randomExpr(extents);
    std::vector<int64_t> values = list(expr, extents);

    unsigned position = pick(0, rank);
    Extents wider = extents;
    wider.insert(wider.begin() + position, 1);
    EXPECT_EQ(list(expr.withAxis(position), wider), values);
    EXPECT_EQ(list(expr.withAxis(position).withoutAxis(position), extents), values);

    Extents flat = {count(extents)};
    auto reshaped = expr.reshaped(0, extents, flat);
    ASSERT_TRUE(reshaped);
    EXPECT_EQ(list(*reshaped, flat), values);

    // Transposing and transposing back gives the same expression.
    llvm::SmallVector<int64_t> order(rank), inverse(rank);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    Extents permutedExtents(rank);
    for (unsigned i = 0; i < rank; ++i) {
      inverse[order[i]] = i;
      permutedExtents[i] = extents[order[i]];
    }
    EXPECT_EQ(list(expr.permuted(order).permuted(inverse), extents), values);
    std::vector<int64_t> sorted = list(expr.permuted(order), permutedExtents);
    std::sort(sorted.begin(), sorted.end());
    std::sort(values.begin(), values.end());
    EXPECT_EQ(sorted, values);
  }
}

TEST_F(IndexExprTest, ReshapingKeepsRowMajorOrder) {
  for (int trial = 0; trial < 300; ++trial) {
    Extents extents = {pick(1, 5), int64_t(1) << pick(0, 3), int64_t(1) << pick(0, 3)}, shape = {extents[0]},
            tail;
    IndexExpr expr = randomExpr(extents);
    for (int64_t rest = extents[1] * extents[2]; rest > 1; rest /= tail.back())
      tail.push_back(std::min<int64_t>(rest, int64_t(1) << pick(0, 3)));
    shape.append(tail.begin(), tail.end());
    auto reshaped = expr.reshaped(1, extents, tail);
    ASSERT_TRUE(reshaped);
    ASSERT_EQ(list(*reshaped, shape), list(expr, extents));
  }
}

TEST_F(IndexExprTest, PermutationsAndSlicesPickTheSamePoints) {
  for (int trial = 0; trial < 200; ++trial) {
    Extents extents = {pick(1, 5), pick(1, 8), pick(1, 5)};
    IndexExpr expr = randomExpr(extents);
    std::vector<int64_t> values = list(expr, extents), permuted, sliced;
    auto at = [&](int64_t i, int64_t j, int64_t k) { return values[(i * extents[1] + j) * extents[2] + k]; };
    for (int64_t k = 0; k < extents[2]; ++k)
      for (int64_t i = 0; i < extents[0]; ++i)
        for (int64_t j = 0; j < extents[1]; ++j)
          permuted.push_back(at(i, j, k));
    int64_t start = pick(0, extents[1] - 1), stop = pick(start + 1, extents[1]);
    for (int64_t i = 0; i < extents[0]; ++i)
      for (int64_t j = start; j < stop; ++j)
        for (int64_t k = 0; k < extents[2]; ++k)
          sliced.push_back(at(i, j, k));
    ASSERT_EQ(list(expr.permuted({2, 0, 1}), {extents[2], extents[0], extents[1]}), permuted);
    ASSERT_EQ(list(expr.sliced(1, start, stop), {extents[0], stop - start, extents[2]}), sliced);
  }
}

TEST_F(IndexExprTest, WrappingReadsLowBits) {
  EXPECT_EQ(wrapSigned(255, 8), -1);
  EXPECT_EQ(wrapSigned(128, 8), -128);
  EXPECT_EQ(wrapSigned(127, 8), 127);
  EXPECT_EQ(wrapSigned(int64_t(1) << 31, 32), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(wrapSigned(-1, 64), -1);
  EXPECT_TRUE((Range{-128, 127}).fitsSigned(8));
  EXPECT_FALSE((Range{-129, 0}).fitsSigned(8));
}

TEST_F(IndexExprTest, ConditionsDropWhatAlwaysHoldsAndSeeWhatNeverDoes) {
  Extents extents = {8};
  Condition condition;
  condition.add(IndexExpr::axis(1, 0), extents); // i >= 0
  EXPECT_EQ(condition.constantValue(), true);
  condition.add(IndexExpr::axis(1, 0, 1, -4), extents); // i >= 4
  EXPECT_EQ(condition.constantValue(), std::nullopt);
  condition.add(IndexExpr::axis(1, 0, -1, -1), extents); // i <= -1
  EXPECT_EQ(condition.constantValue(), false);
}

TEST_F(IndexExprTest, ConditionsAreConjunctions) {
  for (int trial = 0; trial < 300; ++trial) {
    Extents extents = randomExtents();
    IndexExpr a = randomExpr(extents), b = randomExpr(extents);
    Condition both = Condition::constant(true, extents.size());
    both.add(a, extents);
    both.add(b, extents);
    auto truth = both.asInteger(extents);
    ASSERT_TRUE(truth);
    std::vector<int64_t> x = list(a, extents), y = list(b, extents), z = list(*truth, extents);
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(z[i], x[i] >= 0 && y[i] >= 0);
    if (std::optional<Condition> negated = both.negated(extents)) {
      std::vector<int64_t> n = list(*negated->asInteger(extents), extents);
      for (size_t i = 0; i < x.size(); ++i)
        EXPECT_EQ(n[i], 1 - z[i]);
    }
    EXPECT_EQ(list(*Condition::fromInteger(*truth, extents).asInteger(extents), extents), z);
  }
}
