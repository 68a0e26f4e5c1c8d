// SPDX-License-Identifier: MIT
// Reads a module, runs passes on it and prints it: the driver for tests of the compiler and for experiments.
#include "triton-metal/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tmetal::registerAllDialects(registry);
  tmetal::registerAllPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Triton Metal optimizer driver\n", registry));
}
