// SPDX-License-Identifier: MIT
// Every operation of the tt and the tm dialect says what it does to memory, or stands below with a reason why
// it need not. A new operation that touches memory fails here until it has an interface.
#include "triton-metal/Dialect/Triton/IR/Dialect.h"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>
#include <map>

using namespace mlir;
using namespace tmetal;

namespace {

/// Operations whose effects are not on device or threadgroup memory.
const std::map<std::string, const char *> kOthers = {
    {"tt.func", "a symbol"},
    {"tt.call", "inlined before anything asks"},
    {"tt.print", "a message to the host"},
    {"tt.assert", "a message to the host"},
    {"tt.grid_dependency_wait", "order of launches"},
    {"tt.grid_dependency_launch_dependents", "order of launches"},
    {"tt.elementwise_inline_asm", "refused by every engine"},
    {"tt.extern_elementwise", "a function of numbers; not pure ones are refused"},
    {"tm.kernel", "a symbol"},
    {"tm.get", "registers of a thread"},
    {"tm.put", "registers of a thread"},
    {"tm.shuffle_xor", "registers of a SIMD group"},
    {"tm.shuffle_up", "registers of a SIMD group"},
    {"tm.fragments_fill", "registers of a SIMD group"},
    {"tm.fragments_copy", "registers of a SIMD group"},
    {"tm.barrier", "order, which tm-place-barriers looks at by name"},
    {"tm.deadline", "the time"},
    {"tm.print", "a message to the host"},
    {"tm.assert", "a message to the host"},
};

class MemoryAccess : public testing::Test {
protected:
  MemoryAccess() {
    context.loadDialect<arith::ArithDialect, math::MathDialect, scf::SCFDialect, tt::TritonDialect,
                        tmetal::tm::TMDialect>();
  }

  /// An operation of the name, not verified, that can be asked for what does not depend on operands.
  OwningOpRef<Operation *> instanceOf(RegisteredOperationName name) {
    OperationState state(UnknownLoc::get(&context), name);
    return Operation::create(state);
  }

  template <typename Visit> void forEachOperation(Visit visit) {
    int count = 0;
    for (RegisteredOperationName name : context.getRegisteredOperations())
      if (StringRef dialect = name.getDialectNamespace(); dialect == "tt" || dialect == "tm") {
        visit(name);
        ++count;
      }
    EXPECT_GT(count, 60);
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
};

TEST_F(MemoryAccess, EveryOperationSaysWhatItDoes) {
  forEachOperation([&](RegisteredOperationName name) {
    std::string text = name.getStringRef().str();
    bool hasInterface =
        name.hasInterface<DeviceAccessOpInterface>() || name.hasInterface<ThreadgroupAccessOpInterface>();
    if (kOthers.count(text)) {
      EXPECT_FALSE(hasInterface) << text << " has an interface and stands in the list";
      return;
    }
    if (hasInterface || name.hasTrait<OpTrait::HasRecursiveMemoryEffects>() ||
        name.hasTrait<OpTrait::IsTerminator>())
      return;
    ASSERT_TRUE(name.hasInterface<MemoryEffectOpInterface>()) << text << " does not tell its effects";
    OwningOpRef<Operation *> op = instanceOf(name);
    SmallVector<MemoryEffects::EffectInstance> effects;
    cast<MemoryEffectOpInterface>(*op).getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects)
      EXPECT_TRUE(isa<MemoryEffects::Allocate>(effect.getEffect()))
          << text << " touches memory, but implements no access interface and is not in the list";
  });
}

TEST_F(MemoryAccess, InterfacesAndEffectsAgree) {
  int seen = 0;
  forEachOperation([&](RegisteredOperationName name) {
    if (!name.hasInterface<DeviceAccessOpInterface>())
      return;
    ++seen;
    std::string text = name.getStringRef().str();
    OwningOpRef<Operation *> op = instanceOf(name);
    auto access = cast<DeviceAccessOpInterface>(*op);
    auto effects = cast<MemoryEffectOpInterface>(*op);
    EXPECT_TRUE(access.readsMemory() || access.writesMemory()) << text;
    // An atomic access has both effects, so that none is moved across another.
    EXPECT_EQ(effects.hasEffect<MemoryEffects::Read>(), access.readsMemory() || access.isAtomic()) << text;
    EXPECT_EQ(effects.hasEffect<MemoryEffects::Write>(), access.writesMemory() || access.isAtomic()) << text;
    EXPECT_FALSE(access.getIsVolatile()) << text;
    EXPECT_EQ(access.getKind() == AccessKind::Atomic, access.isAtomic()) << text;
    EXPECT_EQ(access.getKind() == AccessKind::Write, access.writesMemory() && !access.isAtomic()) << text;
  });
  EXPECT_GE(seen, 18);
}

} // namespace
