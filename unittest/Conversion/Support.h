// SPDX-License-Identifier: MIT
// Kernels as text for tests of the conversion.
#pragma once

#include "triton-metal/InitAll.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

namespace tmetal {

class KernelTest : public testing::Test {
protected:
  KernelTest() {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// A kernel with the given parameters and body, without `tt.return`.
  tt::FuncOp parse(const std::string &parameters, const std::string &body) {
    std::string text = "tt.func public @kernel(" + parameters + ") {\n" + body + "\ntt.return\n}\n";
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    return *module->getOps<tt::FuncOp>().begin();
  }

  /// The first operation of this type.
  template <typename Op> Op find(tt::FuncOp kernel) {
    Op found;
    kernel.walk([&](Op op) {
      if (!found)
        found = op;
    });
    EXPECT_TRUE(found);
    return found;
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace tmetal
