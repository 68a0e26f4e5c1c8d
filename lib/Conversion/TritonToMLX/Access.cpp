// SPDX-License-Identifier: MIT
#include "Access.h"

using namespace mlir;
using namespace llvm;

namespace tmetal::raising {

static int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

Box planBox(const Access &access, ArrayRef<bool> movable) {
  Box box;
  const IndexExpr &offset = access.offset;
  SmallVector<int> groupOf(access.extents.size(), -1);
  for (unsigned i = 0; i < access.extents.size(); ++i) {
    groupOf[i] = box.axes.size();
    BoxAxis axis;
    axis.sources = {i};
    axis.extent = axis.high = access.extents[i];
    axis.stride = axis.extent == 1 ? 0 : offset.coefficients[i];
    box.axes.push_back(axis);
  }
  auto varied = [&](const IndexExpr &atom) {
    SmallVector<unsigned, 4> axes;
    for (unsigned i = 0; i < atom.rank(); ++i)
      if (access.extents[i] > 1 && atom.varies(i))
        axes.push_back(i);
    return axes;
  };
  // Conditions over several axes come first, because they decide which axes are merged.
  SmallVector<const IndexExpr *> atoms;
  for (const IndexExpr &atom : access.condition.atoms)
    atoms.push_back(&atom);
  std::stable_sort(atoms.begin(), atoms.end(), [&](const IndexExpr *a, const IndexExpr *b) {
    return varied(*a).size() > varied(*b).size();
  });
  for (const IndexExpr *atom : atoms) {
    SmallVector<unsigned, 4> axes = varied(*atom);
    auto keep = [&] { box.rest.atoms.push_back(*atom); };
    if (atom->isConstant()) {
      box.empty |= atom->offset < 0;
      continue;
    }
    if (any_of(axes, [&](unsigned i) { return !movable[i]; })) {
      keep();
      continue;
    }
    if (atom->table) {
      BoxAxis &axis = box.axes[groupOf[axes[0]]];
      Extents shape(access.extents.size(), 1);
      shape[axes[0]] = access.extents[axes[0]];
      if (axes.size() != 1 || axis.sources.size() != 1) {
        keep();
        continue;
      }
      std::vector<int64_t> values = atom->values(shape);
      int64_t low = 0, high = values.size();
      while (low < high && values[low] < 0)
        ++low;
      while (high > low && values[high - 1] < 0)
        --high;
      if (std::any_of(values.begin() + low, values.begin() + high, [](int64_t v) { return v < 0; })) {
        keep();
        continue;
      }
      axis.low = std::max(axis.low, low);
      axis.high = std::min(axis.high, high);
      continue;
    }
    std::sort(axes.begin(), axes.end(), [&](unsigned a, unsigned b) {
      return std::abs(atom->coefficients[a]) > std::abs(atom->coefficients[b]);
    });
    // Axes that are nested in row-major order in both the condition and the address count as one.
    bool nested = true;
    for (unsigned k = 0; k + 1 < axes.size(); ++k) {
      int64_t extent = access.extents[axes[k + 1]];
      nested &= atom->coefficients[axes[k]] == atom->coefficients[axes[k + 1]] * extent;
      nested &= offset.coefficients[axes[k]] == offset.coefficients[axes[k + 1]] * extent;
    }
    BoxAxis *group = &box.axes[groupOf[axes[0]]];
    bool same = ArrayRef<unsigned>(group->sources) == ArrayRef<unsigned>(axes);
    bool single = all_of(axes, [&](unsigned i) {
      const BoxAxis &g = box.axes[groupOf[i]];
      return g.sources.size() == 1 && !g.clipped();
    });
    if (!nested || !(same || single)) {
      keep();
      continue;
    }
    if (!same) {
      BoxAxis merged;
      merged.sources.assign(axes.begin(), axes.end());
      merged.stride = offset.coefficients[axes.back()];
      for (unsigned i : axes)
        merged.extent *= access.extents[i];
      merged.high = merged.extent;
      int slot = groupOf[axes[0]];
      for (unsigned i : axes) {
        if (groupOf[i] != slot)
          box.axes[groupOf[i]].sources.clear();
        groupOf[i] = slot;
      }
      box.axes[slot] = merged;
      group = &box.axes[slot];
    }
    int64_t k = atom->coefficients[axes.back()], c = atom->offset; // k * m + c >= 0
    if (k > 0)
      group->low = std::max(group->low, -floorDivide(c, k));
    else
      group->high = std::min(group->high, floorDivide(c, -k) + 1);
  }
  erase_if(box.axes, [](const BoxAxis &axis) { return axis.sources.empty(); });
  box.first = offset.offset;
  for (const BoxAxis &axis : box.axes) {
    box.empty |= axis.low >= axis.high;
    box.first += axis.stride * axis.low;
  }
  return box;
}

void addBounds(Condition &condition, const BoxAxis &axis, ArrayRef<int64_t> extents) {
  IndexExpr position = IndexExpr::constant(0, extents.size()), negative = position;
  int64_t step = 1;
  for (unsigned source : reverse(axis.sources)) {
    position.coefficients[source] = extents[source] == 1 ? 0 : step;
    negative.coefficients[source] = -position.coefficients[source];
    step *= extents[source];
  }
  condition.add(position + -axis.low, extents);
  condition.add(negative + (axis.high - 1), extents);
}

Box planBox(const Access &access) {
  SmallVector<bool> movable(access.extents.size(), true);
  return planBox(access, movable);
}

} // namespace tmetal::raising
