// SPDX-License-Identifier: MIT
// Turns a kernel into Metal Shading Language: a tm.kernel directly, a tt.func after lowering it. Or prints
// which memory a tt.func accesses.
#include "triton-metal/Analysis/DescribeAccesses.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/InitAll.h"
#include "triton-metal/Target/Engine.h"
#include "triton-metal/Target/PrintMSL.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace cl = llvm::cl;

static cl::OptionCategory category("Translation");
static cl::opt<std::string> input(cl::Positional, cl::desc("<input file>"), cl::init("-"), cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("output file"), cl::value_desc("file"), cl::init("-"),
                                   cl::cat(category));
static cl::opt<bool> emitMsl("emit-msl", cl::desc("print Metal Shading Language"), cl::cat(category));
static cl::opt<bool> emitAccesses("emit-accesses",
                                  cl::desc("print what a launch can tell of the accesses to memory"),
                                  cl::cat(category));
static cl::opt<bool> facts("facts", cl::desc("add what the launcher is told, as comments"),
                           cl::cat(category));
static cl::opt<int> simdgroups("simdgroups", cl::desc("of a threadgroup, for a tt.func"), cl::init(4),
                               cl::cat(category));
static cl::opt<std::string> arch("arch", cl::desc("host, m1, m2, ..."), cl::init("host"), cl::cat(category));
static cl::opt<bool> fpFusion("fp-fusion", cl::desc("a * b + c is rounded once"), cl::init(true),
                              cl::cat(category));
static cl::list<int> aliasGroups("alias-groups", cl::CommaSeparated,
                                 cl::desc("for each pointer; equal ones may overlap"), cl::cat(category));
static cl::list<std::string> checks("check", cl::CommaSeparated, cl::desc("address, thread, undefined"),
                                    cl::cat(category));

static void printFacts(llvm::raw_ostream &out, const tmetal::MslKernel &kernel) {
  out << "// kernel " << kernel.name << " as " << kernel.function << ": " << kernel.simdgroups
      << " SIMD groups, " << kernel.threadgroupBytes << " bytes of threadgroup memory, " << kernel.stackBytes
      << " of tiles\n";
  for (const tmetal::MslParameter &parameter : kernel.parameters) {
    out << "// parameter " << parameter.name << ", " << parameter.type << ": ";
    if (parameter.isPointer)
      out << "buffer " << parameter.bufferIndex << (parameter.stored ? ", stored" : "") << "\n";
    else
      out << "bytes " << parameter.structOffset << " to " << parameter.structOffset + parameter.size << "\n";
  }
  out << "// arguments: buffer " << kernel.argumentsBuffer << ", " << kernel.argumentsSize
      << " bytes; report: buffer " << kernel.reportBuffer << "; bounds: buffer " << kernel.boundsBuffer
      << "\n";
  for (const tmetal::MslKernel::Message &message : kernel.messages)
    out << "// " << message.kind << " \"" << message.text << "\" at " << message.file << ":" << message.line
        << ": " << message.coordinates << " coordinates, (" << llvm::join(message.types, ", ") << ")"
        << (message.hex ? " in hexadecimal" : "") << "\n";
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "Triton Metal translation driver\n");
  if (emitMsl == emitAccesses) {
    llvm::errs() << "What is to be written? --emit-msl or --emit-accesses\n";
    return 1;
  }
  tmetal::MslOptions options;
  options.simdgroups = simdgroups;
  options.arch = arch;
  options.fpFusion = fpFusion;
  options.aliasGroups.assign(aliasGroups.begin(), aliasGroups.end());
  try {
    for (const std::string &check : checks)
      tmetal::setCheckModes(options, check);
  } catch (const tmetal::Error &error) {
    llvm::errs() << error.what() << "\n";
    return 1;
  }
  DialectRegistry registry;
  tmetal::registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(input, &context);
  if (!module)
    return 1;
  std::error_code failure;
  llvm::ToolOutputFile file(output, failure, llvm::sys::fs::OF_Text);
  if (failure) {
    llvm::errs() << output << ": " << failure.message() << "\n";
    return 1;
  }
  if (emitAccesses) {
    if (failed(tmetal::tt::checkKernel(*module)))
      return 1;
    file.os() << tmetal::accessText(tmetal::describeAccesses(*module));
    file.keep();
    return 0;
  }
  try {
    if (!module->getOps<tmetal::tt::FuncOp>().empty())
      tmetal::lowerToTritonMetal(*module, options);
    tmetal::MslKernel kernel = tmetal::printMsl(*module, options);
    if (facts)
      printFacts(file.os(), kernel);
    file.os() << kernel.text;
  } catch (const tmetal::Error &error) {
    llvm::errs() << error.what() << "\n";
    return 1;
  }
  file.keep();
  return 0;
}
