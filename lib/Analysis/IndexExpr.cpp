// SPDX-License-Identifier: MIT
#include "triton-metal/Analysis/IndexExpr.h"

#include <algorithm>
#include <cassert>
#include <limits>

using namespace llvm;

namespace tmetal {

bool Range::fitsSigned(unsigned width) const {
  if (width >= 64)
    return true;
  int64_t limit = int64_t(1) << (width - 1);
  return min >= -limit && max < limit;
}

int64_t wrapSigned(int64_t value, unsigned width) {
  if (width >= 64)
    return value;
  return static_cast<int64_t>(static_cast<uint64_t>(value) << (64 - width)) >> (64 - width);
}

static int64_t product(ArrayRef<int64_t> shape) {
  int64_t n = 1;
  for (int64_t extent : shape)
    n *= extent;
  return n;
}

/// Row-major strides of `shape`, 0 along axes of extent 1.
static Extents broadcastStrides(ArrayRef<int64_t> shape) {
  Extents strides(shape.size(), 0);
  int64_t stride = 1;
  for (int i = static_cast<int>(shape.size()) - 1; i >= 0; --i) {
    strides[i] = shape[i] == 1 ? 0 : stride;
    stride *= shape[i];
  }
  return strides;
}

IndexExpr IndexExpr::constant(int64_t value, unsigned rank) {
  IndexExpr expr;
  expr.offset = value;
  expr.coefficients.assign(rank, 0);
  return expr;
}

IndexExpr IndexExpr::axis(unsigned rank, unsigned axis, int64_t coefficient, int64_t constant) {
  IndexExpr expr = IndexExpr::constant(constant, rank);
  expr.coefficients[axis] = coefficient;
  return expr;
}

IndexExpr IndexExpr::fromValues(ArrayRef<int64_t> shape, std::vector<int64_t> values) {
  assert(static_cast<int64_t>(values.size()) == product(shape));
  Extents strides = broadcastStrides(shape);
  IndexExpr affine = constant(values[0], shape.size());
  bool overflow = false;
  for (unsigned i = 0; i < shape.size(); ++i)
    if (shape[i] > 1)
      overflow |= __builtin_sub_overflow(values[strides[i]], values[0], &affine.coefficients[i]);
  if (!overflow && affine.range(shape) && affine.values(shape) == values)
    return affine;
  // Drops the axes along which the table does not vary, so that later broadcasts stay small.
  Extents kept(shape.begin(), shape.end());
  for (unsigned i = 0; i < kept.size(); ++i) {
    if (kept[i] == 1)
      continue;
    int64_t inner = product(ArrayRef<int64_t>(kept).drop_front(i + 1)), span = inner * kept[i];
    bool repeats = true;
    for (int64_t base = 0; base < static_cast<int64_t>(values.size()) && repeats; base += span)
      for (int64_t j = inner; j < span && repeats; ++j)
        repeats = values[base + j] == values[base + j % inner];
    if (!repeats)
      continue;
    std::vector<int64_t> smaller;
    for (int64_t base = 0; base < static_cast<int64_t>(values.size()); base += span)
      smaller.insert(smaller.end(), values.begin() + base, values.begin() + base + inner);
    values = std::move(smaller);
    kept[i] = 1;
  }
  auto table = std::make_shared<Table>();
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  table->min = *low;
  table->max = *high;
  table->shape = kept;
  table->values = std::move(values);
  IndexExpr expr = constant(0, shape.size());
  expr.table = std::move(table);
  return expr;
}

bool IndexExpr::isConstant() const {
  return !table && llvm::all_of(coefficients, [](int64_t c) { return c == 0; });
}

bool IndexExpr::varies(unsigned axis) const {
  return coefficients[axis] != 0 || (table && table->shape[axis] != 1);
}

bool IndexExpr::operator==(const IndexExpr &other) const {
  if (offset != other.offset || coefficients != other.coefficients || !table != !other.table)
    return false;
  return !table || table == other.table ||
         (table->shape == other.table->shape && table->values == other.table->values);
}

std::optional<Range> IndexExpr::range(ArrayRef<int64_t> extents) const {
  Range r{offset, offset};
  bool overflow = false;
  for (unsigned i = 0; i < rank(); ++i) {
    int64_t reach = 0;
    overflow |= __builtin_mul_overflow(coefficients[i], std::max<int64_t>(extents[i] - 1, 0), &reach);
    int64_t &bound = reach < 0 ? r.min : r.max;
    overflow |= __builtin_add_overflow(bound, reach, &bound);
  }
  if (table) {
    overflow |= __builtin_add_overflow(r.min, table->min, &r.min);
    overflow |= __builtin_add_overflow(r.max, table->max, &r.max);
  }
  if (overflow)
    return std::nullopt;
  return r;
}

Extents IndexExpr::variedShape(ArrayRef<int64_t> extents) const {
  Extents shape(rank(), 1);
  for (unsigned i = 0; i < rank(); ++i)
    if (varies(i))
      shape[i] = extents[i];
  return shape;
}

std::vector<int64_t> IndexExpr::values(ArrayRef<int64_t> shape) const {
  int64_t n = product(shape);
  std::vector<int64_t> out(n);
  if (n == 0)
    return out;
  Extents tableStrides(rank(), 0);
  if (table)
    tableStrides = broadcastStrides(table->shape);
  // The last axis is the inner loop; `outer` axes are counted like an odometer.
  unsigned outer = rank() ? rank() - 1 : 0;
  int64_t innerExtent = rank() ? shape.back() : 1;
  int64_t innerStep = rank() ? coefficients.back() : 0, innerTable = rank() ? tableStrides.back() : 0;
  Extents index(outer, 0);
  int64_t value = offset, position = 0;
  for (int64_t base = 0; base < n; base += innerExtent) {
    for (int64_t j = 0; j < innerExtent; ++j)
      out[base + j] = value + innerStep * j + (table ? table->values[position + innerTable * j] : 0);
    for (int i = static_cast<int>(outer) - 1; i >= 0; --i) {
      value += coefficients[i];
      position += tableStrides[i];
      if (++index[i] < shape[i])
        break;
      value -= coefficients[i] * shape[i];
      position -= tableStrides[i] * shape[i];
      index[i] = 0;
    }
  }
  return out;
}

IndexExpr IndexExpr::operator+(int64_t addend) const {
  IndexExpr result = *this;
  result.offset += addend;
  return result;
}

std::optional<IndexExpr> IndexExpr::scaled(int64_t factor, ArrayRef<int64_t> extents) const {
  bool overflow = false;
  if (table) {
    auto product = map({*this}, extents, [&](ArrayRef<int64_t> v) {
      int64_t value;
      overflow |= __builtin_mul_overflow(v[0], factor, &value);
      return value;
    });
    return overflow ? std::nullopt : product;
  }
  IndexExpr result = *this;
  overflow = __builtin_mul_overflow(offset, factor, &result.offset);
  for (int64_t &c : result.coefficients)
    overflow |= __builtin_mul_overflow(c, factor, &c);
  if (overflow || !result.range(extents))
    return std::nullopt;
  return result;
}

std::optional<IndexExpr> IndexExpr::add(const IndexExpr &a, const IndexExpr &b, ArrayRef<int64_t> extents) {
  bool overflow = false;
  if (a.table && b.table) {
    auto sum = map({a, b}, extents, [&](ArrayRef<int64_t> v) {
      int64_t value;
      overflow |= __builtin_add_overflow(v[0], v[1], &value);
      return value;
    });
    return overflow ? std::nullopt : sum;
  }
  IndexExpr result = a;
  overflow = __builtin_add_overflow(a.offset, b.offset, &result.offset);
  for (unsigned i = 0; i < a.rank(); ++i)
    overflow |= __builtin_add_overflow(a.coefficients[i], b.coefficients[i], &result.coefficients[i]);
  if (b.table)
    result.table = b.table;
  if (overflow || !result.range(extents))
    return std::nullopt;
  return result;
}

std::optional<IndexExpr> IndexExpr::subtract(const IndexExpr &a, const IndexExpr &b,
                                             ArrayRef<int64_t> extents) {
  auto negative = b.scaled(-1, extents);
  return negative ? add(a, *negative, extents) : std::nullopt;
}

std::optional<IndexExpr> IndexExpr::map(ArrayRef<IndexExpr> operands, ArrayRef<int64_t> extents,
                                        function_ref<int64_t(ArrayRef<int64_t>)> f) {
  Extents shape(extents.size(), 1);
  for (const IndexExpr &operand : operands)
    for (unsigned i = 0; i < shape.size(); ++i)
      if (operand.varies(i))
        shape[i] = extents[i];
  int64_t n = 1;
  for (int64_t extent : shape)
    if (extent == 0 || __builtin_mul_overflow(n, extent, &n) || n > kMaxTableSize)
      return std::nullopt;
  SmallVector<std::vector<int64_t>, 3> inputs;
  for (const IndexExpr &operand : operands)
    inputs.push_back(operand.values(shape));
  std::vector<int64_t> out(n);
  SmallVector<int64_t, 3> point(operands.size());
  for (int64_t i = 0; i < n; ++i) {
    for (unsigned k = 0; k < operands.size(); ++k)
      point[k] = inputs[k][i];
    out[i] = f(point);
  }
  return fromValues(shape, std::move(out));
}

IndexExpr IndexExpr::withAxis(unsigned position) const {
  IndexExpr result = *this;
  result.coefficients.insert(result.coefficients.begin() + position, 0);
  if (table) {
    auto copy = std::make_shared<Table>(*table);
    copy->shape.insert(copy->shape.begin() + position, 1);
    result.table = std::move(copy);
  }
  return result;
}

IndexExpr IndexExpr::withLeadingAxes(unsigned count) const {
  IndexExpr result = *this;
  for (unsigned i = 0; i < count; ++i)
    result = result.withAxis(0);
  return result;
}

IndexExpr IndexExpr::withoutAxis(unsigned position) const {
  assert(!varies(position));
  IndexExpr result = *this;
  result.coefficients.erase(result.coefficients.begin() + position);
  if (table) {
    auto copy = std::make_shared<Table>(*table);
    copy->shape.erase(copy->shape.begin() + position);
    result.table = std::move(copy);
  }
  return result;
}

IndexExpr IndexExpr::sliced(unsigned axis, int64_t start, int64_t stop) const {
  IndexExpr result = *this;
  result.offset += coefficients[axis] * start;
  if (stop - start == 1)
    result.coefficients[axis] = 0;
  if (!table || table->shape[axis] == 1)
    return result;
  int64_t inner = product(ArrayRef<int64_t>(table->shape).drop_front(axis + 1)),
          span = inner * table->shape[axis];
  std::vector<int64_t> kept;
  for (int64_t base = 0; base < static_cast<int64_t>(table->values.size()); base += span)
    kept.insert(kept.end(), table->values.begin() + base + inner * start,
                table->values.begin() + base + inner * stop);
  Extents shape = table->shape;
  shape[axis] = stop - start;
  IndexExpr part = fromValues(shape, std::move(kept));
  result.table = part.table;
  result.offset += part.offset;
  for (unsigned i = 0; i < rank(); ++i)
    result.coefficients[i] += part.coefficients[i];
  return result;
}

IndexExpr IndexExpr::permuted(ArrayRef<int64_t> order) const {
  IndexExpr result = constant(offset, rank());
  for (unsigned i = 0; i < rank(); ++i)
    result.coefficients[i] = coefficients[order[i]];
  if (!table)
    return result;
  Extents shape(rank(), 1);
  for (unsigned i = 0; i < rank(); ++i)
    shape[i] = table->shape[order[i]];
  Extents strides = broadcastStrides(table->shape);
  std::vector<int64_t> values(table->values.size());
  Extents index(rank(), 0);
  for (int64_t &value : values) {
    int64_t position = 0;
    for (unsigned i = 0; i < rank(); ++i)
      position += index[i] * strides[order[i]];
    value = table->values[position];
    for (int i = static_cast<int>(rank()) - 1; i >= 0; --i) {
      if (++index[i] < shape[i])
        break;
      index[i] = 0;
    }
  }
  auto copy = std::make_shared<Table>(*table);
  copy->shape = shape;
  copy->values = std::move(values);
  result.table = std::move(copy);
  return result;
}

std::optional<IndexExpr> IndexExpr::reshaped(unsigned first, ArrayRef<int64_t> oldExtents,
                                             ArrayRef<int64_t> newTail) const {
  unsigned newRank = first + newTail.size();
  IndexExpr result = constant(offset, newRank);
  for (unsigned i = 0; i < first; ++i)
    result.coefficients[i] = coefficients[i];
  bool tableVaries = false;
  for (unsigned i = first; table && i < rank(); ++i)
    tableVaries |= table->shape[i] != 1;
  // Goes through both lists in groups of axes with equal products: merges the old axes of a group, then
  // splits the result into the new ones.
  unsigned i = first, j = 0;
  bool affine = !tableVaries;
  while (affine && (i < rank() || j < newTail.size())) {
    unsigned i0 = i, j0 = j;
    int64_t oldSize = 1, newSize = 1;
    if (i < rank())
      oldSize = oldExtents[i++];
    if (j < newTail.size())
      newSize = newTail[j++];
    while (oldSize != newSize) {
      if (oldSize < newSize)
        oldSize *= oldExtents[i++];
      else
        newSize *= newTail[j++];
    }
    // Merging works only for coefficients in row-major order.
    int64_t step = 0, below = 1;
    bool known = false;
    for (unsigned k = i; k-- > i0;) {
      if (oldExtents[k] == 1)
        continue;
      if (!known) {
        if (coefficients[k] % below != 0)
          affine = false;
        step = below ? coefficients[k] / below : 0;
        known = true;
      }
      if (coefficients[k] != step * below)
        affine = false;
      below *= oldExtents[k];
    }
    below = 1;
    for (unsigned k = j; k-- > j0;) {
      result.coefficients[first + k] = newTail[k] == 1 ? 0 : step * below;
      below *= newTail[k];
    }
  }
  if (affine) {
    if (table) {
      auto copy = std::make_shared<Table>(*table);
      copy->shape.resize(first);
      copy->shape.append(newTail.size(), 1);
      result.table = std::move(copy);
    }
    return result;
  }
  Extents shape = variedShape(oldExtents);
  for (unsigned k = first; k < rank(); ++k) {
    shape[k] = oldExtents[k];
  }
  if (product(shape) > kMaxTableSize)
    return std::nullopt;
  std::vector<int64_t> all = values(shape);
  shape.resize(first);
  shape.append(newTail.begin(), newTail.end());
  return fromValues(shape, std::move(all));
}

Condition Condition::constant(bool value, unsigned rank) {
  Condition c;
  if (!value)
    c.atoms.push_back(IndexExpr::constant(-1, rank));
  return c;
}

std::optional<bool> Condition::constantValue() const {
  if (atoms.empty())
    return true;
  if (atoms.size() == 1 && atoms[0].isConstant())
    return atoms[0].offset >= 0;
  return std::nullopt;
}

void Condition::add(const IndexExpr &expr, ArrayRef<int64_t> extents) {
  if (constantValue() == false)
    return;
  if (auto r = expr.range(extents)) {
    if (r->min >= 0)
      return;
    if (r->max < 0) {
      atoms.assign(1, IndexExpr::constant(-1, expr.rank()));
      return;
    }
  }
  if (!llvm::is_contained(atoms, expr))
    atoms.push_back(expr);
}

void Condition::add(const Condition &other, ArrayRef<int64_t> extents) {
  for (const IndexExpr &atom : other.atoms)
    add(atom, extents);
}

std::optional<Condition> Condition::negated(ArrayRef<int64_t> extents) const {
  if (auto value = constantValue())
    return constant(!*value, extents.size());
  if (atoms.size() == 1) {
    if (auto negative = atoms[0].scaled(-1, extents)) {
      Condition result;
      result.add(*negative + (-1), extents);
      return result;
    }
  }
  auto integer = asInteger(extents);
  if (!integer)
    return std::nullopt;
  auto flipped = integer->scaled(-1, extents);
  if (!flipped)
    return std::nullopt;
  return fromInteger(*flipped + 1, extents);
}

std::optional<IndexExpr> Condition::asInteger(ArrayRef<int64_t> extents) const {
  if (auto value = constantValue())
    return IndexExpr::constant(*value, extents.size());
  return IndexExpr::map(atoms, extents, [](ArrayRef<int64_t> values) {
    return static_cast<int64_t>(llvm::all_of(values, [](int64_t v) { return v >= 0; }));
  });
}

Condition Condition::fromInteger(const IndexExpr &zeroOrOne, ArrayRef<int64_t> extents) {
  Condition result;
  result.add(zeroOrOne + (-1), extents);
  return result;
}

} // namespace tmetal
