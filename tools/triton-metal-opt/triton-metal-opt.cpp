// SPDX-License-Identifier: MIT
// Reads a module, runs passes on it, prints it: the compiler's driver for tests and for the curious.
#include "triton-metal/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tmetal::registerAllDialects(registry);
  tmetal::registerAllPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Triton Metal optimizer driver\n", registry));
}
