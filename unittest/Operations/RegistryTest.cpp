// SPDX-License-Identifier: MIT
// The registry of operations against what it speaks of: the dialects, their verifiers, and both engines.
#include "triton-metal/Operations/Registry.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Conversion/TritonToTritonMetal.h"
#include "triton-metal/Dialect/Triton/Transforms/Passes.h"
#include "triton-metal/InitAll.h"
#include "triton-metal/Target/PrintMSL.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <set>

using namespace mlir;
using namespace tmetal;

namespace {

MLIRContext &context() {
  static MLIRContext *context = [] {
    DialectRegistry registry;
    registerAllDialects(registry);
    auto *made = new MLIRContext(registry, MLIRContext::Threading::DISABLED);
    made->loadAllAvailableDialects();
    return made;
  }();
  return *context;
}

// ---- records and operations ----

TEST(Registry, EveryOperationOfTheDialectsHasOneRecord) {
  std::set<std::string> recorded;
  for (const OperationEntry &entry : operationEntries()) {
    EXPECT_TRUE(recorded.insert(entry.name).second) << entry.name;
    EXPECT_TRUE(RegisteredOperationName::lookup(entry.name, &context())) << entry.name << " is no operation";
  }
  const std::set<std::string> dialects = {"tt", "ttg", "llvm", "arith", "math", "scf", "ub"};
  for (RegisteredOperationName name : context().getRegisteredOperations())
    if (dialects.count(name.getDialectNamespace().str()))
      EXPECT_TRUE(recorded.count(name.getStringRef().str())) << name.getStringRef().str() << " has no record";
}

TEST(Registry, WhatIsRefusedHasAReason) {
  for (const OperationEntry &entry : operationEntries())
    for (const EngineForm *form : {&entry.msl, &entry.mlx})
      for (const TypeSupport &type : form->types)
        if (type.support != Support::Right && type.support != Support::NotAdmitted)
          EXPECT_NE(std::string(type.reason), "") << entry.name;
}

// ---- a kernel for an operation on an element type ----

struct Case {
  std::string body;   // makes %z of %x
  std::string result; // the element type of %z; empty: nothing is stored
};

std::string pointee(const std::string &type) { return type == "ptr" ? "f32" : type; }
std::string spelled(const std::string &type) { return type == "ptr" ? "!tt.ptr<f32>" : type; }
std::string block(const std::string &type, const std::string &shape = "256") {
  return "tensor<" + shape + "x" + spelled(type) + ">";
}

std::string kernel(const std::string &type, const Case &made) {
  std::string result = pointee(made.result.empty() ? "i32" : made.result);
  std::string in = "tensor<256x!tt.ptr<" + pointee(type) + ">>", text;
  std::string out = "tensor<256x!tt.ptr<" + result + ">>";
  text = "tt.func public @k(%p: !tt.ptr<" + pointee(type) + ">, %q: !tt.ptr<" + result + ">) {\n" +
         "  %i = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>\n" +
         "  %ps = tt.splat %p : !tt.ptr<" + pointee(type) + "> -> " + in + "\n" +
         "  %pp = tt.addptr %ps, %i : " + in + ", tensor<256xi32>\n";
  // Three operands that no folder takes for equal.
  std::string pointers = "%pp";
  for (const char *value : {"%x", "%x1", "%x2"}) {
    std::string next = pointers + "n";
    text +=
        "  " + next + " = tt.addptr " + pointers + ", %i : " + in + ", tensor<256xi32>\n  " + value + " = ";
    text += type == "ptr" ? "tt.addptr " + next + ", %i : " + in + ", tensor<256xi32>\n"
                          : "tt.load " + next + " : " + in + "\n";
    pointers = next;
  }
  text += "  %qs = tt.splat %q : !tt.ptr<" + result + "> -> " + out + "\n" +
          "  %qp = tt.addptr %qs, %i : " + out + ", tensor<256xi32>\n" + made.body + "\n";
  if (made.result == "ptr")
    text += "  %v = tt.load %z : " + out + "\n  tt.store %qp, %v : " + out + "\n";
  else if (!made.result.empty())
    text += "  tt.store %qp, %z : " + out + "\n";
  return text + "  tt.return\n}\n";
}

/// `%z = "op"(%x, ...)` on blocks.
Case generic(const std::string &op, int operands, const std::string &type, const std::string &result,
             const std::string &attributes = "") {
  std::string values, types;
  for (int i = 0; i < operands; ++i) {
    values += i ? ", %x" + std::to_string(i) : "%x";
    types += (i ? ", " : "") + block(type);
  }
  return {"  %z = \"" + op + "\"(" + values + ")" + attributes + " : (" + types + ") -> " + block(result),
          result};
}

OwningOpRef<ModuleOp> parsed(const std::string &text) {
  ScopedDiagnosticHandler quiet(&context(), [](Diagnostic &) { return success(); });
  return parseSourceString<ModuleOp>(text, &context());
}

using Cases = std::function<std::vector<Case>(const std::string &type)>;

bool isFloat(const std::string &type) { return type[0] == 'f' || type[0] == 'b'; }
int widthOf(const std::string &type) {
  if (type == "ptr")
    return 64;
  if (type.rfind("f8", 0) == 0)
    return 8;
  return std::stoi(type.substr(type.find_first_of("0123456789")));
}

/// An element-wise operation whose operands and result have one type, or whose result is a truth value.
std::optional<Cases> regular(const std::string &op) {
  std::string attributes;
  std::vector<std::string> results = {"same", "i1"};
  if (op == "arith.cmpi" || op == "arith.cmpf")
    attributes = " {predicate = 2 : i64}";
  if (op == "tt.clampf")
    attributes = " {propagateNan = 65535 : i32}";
  if (op == "tt.extern_elementwise")
    attributes = " {libname = \"\", libpath = \"\", pure = true, symbol = \"__tm_abs\"}";
  for (const char *probe : {"f32", "i32"})
    for (int operands = 1; operands <= 3; ++operands)
      for (const std::string &result : results)
        if (parsed(
                kernel(probe, generic(op, operands, probe, result == "same" ? probe : result, attributes))))
          return [=](const std::string &type) {
            return std::vector<Case>{
                generic(op, operands, type, result == "same" ? type : result, attributes)};
          };
  return std::nullopt;
}

/// Casts: from the type where that is possible, else to it.
std::vector<Case> casts(const std::string &op, const std::string &type) {
  std::vector<Case> made;
  bool number = isFloat(type);
  int width = widthOf(type);
  auto from = [&](const std::string &to) {
    std::string rounding = op == "tt.fp_to_fp" && widthOf(to) < width ? " {rounding = 1 : i32}" : "";
    made.push_back({"  %z = \"" + op + "\"(%x)" + rounding + " : (" + block(type) + ") -> " + block(to), to});
  };
  if (op == "arith.extsi" || op == "arith.extui") {
    from(width < 64 ? "i64" : "i128");
    if (type == "i64")
      made = {{"  %s = arith.trunci %x : " + block("i64") + " to " + block("i8") + "\n  %z = " + op +
                   " %s : " + block("i8") + " to " + block("i64"),
               "i64"}};
  } else if (op == "arith.trunci") {
    if (type == "i1")
      made = {{"  %s = arith.extui %x : " + block("i1") + " to " + block("i8") +
                   "\n  %z = arith.trunci %s : " + block("i8") + " to " + block("i1"),
               "i1"}};
    else
      from("i1");
  } else if (op == "arith.sitofp" || op == "arith.uitofp") {
    if (!number)
      from("f32");
    else
      made = {{"  %s = arith.constant dense<3> : " + block("i32") + "\n  %n = arith.addi %s, %i : " +
                   block("i32") + "\n  %z = " + op + " %n : " + block("i32") + " to " + block(type),
               type}};
  } else if (op == "arith.fptosi" || op == "arith.fptoui") {
    if (number)
      from("i32");
    else
      made = {{"  %n = arith.sitofp %i : " + block("i32") + " to " + block("f32") + "\n  %z = " + op +
                   " %n : " + block("f32") + " to " + block(type),
               type}};
  } else if (op == "arith.extf") {
    if (width < 64)
      from("f64");
    else
      made = {{"  %n = arith.sitofp %i : " + block("i32") + " to " + block("f32") + "\n  %z = " + op +
                   " %n : " + block("f32") + " to " + block(type),
               type}};
  } else if (op == "arith.truncf" || op == "tt.fp_to_fp") {
    std::string rounding = op == "tt.fp_to_fp" ? ", rounding = rtne" : "",
                arrow = op == "tt.fp_to_fp" ? " -> " : " to ";
    made = {{"  %f = arith.sitofp %i : " + block("i32") + " to " + block("f64") +
                 "\n  %n = arith.mulf %f, %f : " + block("f64") + "\n  %z = " + op + " %n" +
                 (type == "f64" ? "" : rounding) + " : " + block("f64") + arrow + block(type),
             type}};
    if (type == "f64") {
      made.clear();
      from("f16");
    }
    if (op == "tt.fp_to_fp" && width < 32)
      from("f32");
  } else { // bit casts
    std::map<int, std::string> floats = {{8, "f8E5M2"}, {16, "f16"}, {32, "f32"}, {64, "f64"}};
    from(type == "ptr" || type == "i1" ? type : number ? "i" + std::to_string(width) : floats[width]);
  }
  return made;
}

/// Operations that are not regular.
std::optional<Cases> casesOf(const std::string &op) {
  using List = std::vector<Case>;
  auto reshaped = [](const std::string &type, const std::string &from, const std::string &to,
                     const std::string &shapeFrom, const std::string &shapeTo) {
    return "  " + to + " = tt.reshape " + from + " : " + block(type, shapeFrom) + " -> " +
           block(type, shapeTo) + "\n";
  };
  static const std::set<std::string> conversions = {
      "arith.extsi",  "arith.extui", "arith.trunci", "arith.sitofp", "arith.uitofp",  "arith.fptosi",
      "arith.fptoui", "arith.extf",  "arith.truncf", "tt.fp_to_fp",  "arith.bitcast", "tt.bitcast"};
  if (conversions.count(op))
    return [op](const std::string &type) { return casts(op, type); };
  static const std::map<std::string, Cases> irregular = {
      {"arith.select",
       [](const std::string &type) -> List {
         return {{"  %c = arith.cmpi slt, %i, %i : " + block("i32") +
                      "\n  %z = \"arith.select\"(%c, %x, %x) : (" + block("i1") + ", " + block(type) + ", " +
                      block(type) + ") -> " + block(type),
                  type}};
       }},
      {"ub.poison",
       [](const std::string &type) -> List { return {{"  %z = ub.poison : " + block(type), type}}; }},
      {"arith.mulsi_extended",
       [](const std::string &type) -> List {
         return {{"  %z, %h = \"arith.mulsi_extended\"(%x, %x) : (" + block(type) + ", " + block(type) +
                      ") -> (" + block(type) + ", " + block(type) + ")",
                  type}};
       }},
      {"arith.mului_extended",
       [](const std::string &type) -> List {
         return {{"  %z, %h = \"arith.mului_extended\"(%x, %x) : (" + block(type) + ", " + block(type) +
                      ") -> (" + block(type) + ", " + block(type) + ")",
                  type}};
       }},
      {"tt.load",
       [](const std::string &type) -> List {
         return {{"  %z = tt.load %pp : tensor<256x!tt.ptr<" + spelled(type) + ">>", type}};
       }},
      {"tt.store",
       [](const std::string &type) -> List {
         return {{"  tt.store %pp, %x : tensor<256x!tt.ptr<" + spelled(type) + ">>", ""}};
       }},
      {"tt.addptr",
       [](const std::string &type) -> List {
         if (type == "ptr")
           return {{"  %z = tt.addptr %x, %i : " + block("ptr") + ", " + block("i32"), "ptr"}};
         return {{"  %z = \"tt.addptr\"(%pp, %x) : (tensor<256x!tt.ptr<" + spelled(type) + ">>, " +
                      block(type) + ") -> tensor<256x!tt.ptr<" + spelled(type) + ">>",
                  ""}};
       }},
      {"tt.reshape",
       [=](const std::string &type) -> List {
         return {
             {reshaped(type, "%x", "%y", "256", "16x16") + reshaped(type, "%y", "%z", "16x16", "256"), type}};
       }},
      {"tt.trans",
       [=](const std::string &type) -> List {
         return {{reshaped(type, "%x", "%y", "256", "16x16") +
                      "  %t = tt.trans %y {order = array<i32: 1, 0>} : " + block(type, "16x16") + " -> " +
                      block(type, "16x16") + "\n" + reshaped(type, "%t", "%z", "16x16", "256"),
                  type}};
       }},
      {"tt.expand_dims",
       [=](const std::string &type) -> List {
         return {{"  %y = tt.expand_dims %x {axis = 0 : i32} : " + block(type) + " -> " +
                      block(type, "1x256") + "\n" + reshaped(type, "%y", "%z", "1x256", "256"),
                  type}};
       }},
      {"tt.broadcast",
       [=](const std::string &type) -> List {
         return {{reshaped(type, "%x", "%r", "256", "128x2") +
                      "  %l, %h = tt.split %r : " + block(type, "128x2") + " -> " + block(type, "128") +
                      "\n" + reshaped(type, "%l", "%y", "128", "128x1") +
                      "  %b = tt.broadcast %y : " + block(type, "128x1") + " -> " + block(type, "128x2") +
                      "\n" + reshaped(type, "%b", "%z", "128x2", "256"),
                  type}};
       }},
      {"tt.cat",
       [=](const std::string &type) -> List {
         return {{reshaped(type, "%x", "%r", "256", "128x2") +
                      "  %l, %h = tt.split %r : " + block(type, "128x2") + " -> " + block(type, "128") +
                      "\n  %z = tt.cat %l, %h : " + block(type, "128") + " -> " + block(type),
                  type}};
       }},
      {"tt.split",
       [=](const std::string &type) -> List {
         return {{reshaped(type, "%x", "%r", "256", "128x2") +
                      "  %l, %h = tt.split %r : " + block(type, "128x2") + " -> " + block(type, "128") +
                      "\n  %y = tt.expand_dims %l {axis = 1 : i32} : " + block(type, "128") + " -> " +
                      block(type, "128x1") + "\n  %b = tt.broadcast %y : " + block(type, "128x1") + " -> " +
                      block(type, "128x2") + "\n" + reshaped(type, "%b", "%z", "128x2", "256"),
                  type}};
       }},
      {"tt.join",
       [=](const std::string &type) -> List {
         return {{reshaped(type, "%x", "%r", "256", "128x2") +
                      "  %l, %h = tt.split %r : " + block(type, "128x2") + " -> " + block(type, "128") +
                      "\n  %j = tt.join %l, %h : " + block(type, "128") + " -> " + block(type, "128x2") +
                      "\n" + reshaped(type, "%j", "%z", "128x2", "256"),
                  type}};
       }},
      {"tt.gather",
       [](const std::string &type) -> List {
         return {{"  %z = tt.gather %x[%i] {axis = 0 : i32} : (" + block(type) + ", " + block("i32") +
                      ") -> " + block(type),
                  type}};
       }},
      {"tt.histogram",
       [](const std::string &type) -> List {
         return {{"  %z = \"tt.histogram\"(%x) : (" + block(type) + ") -> " + block("i32"), "i32"}};
       }},
      {"tt.dot",
       [=](const std::string &type) -> List {
         std::string sum = isFloat(type) ? (type == "f64" ? "f64" : "f32") : type == "i64" ? "i64" : "i32";
         return {{reshaped(type, "%x", "%a", "256", "16x16") + "  %c = arith.constant dense<" +
                      (isFloat(type) ? "0.0" : "0") + "> : " + block(sum, "16x16") +
                      "\n  %d = tt.dot %a, %a, %c : " + block(type, "16x16") + " * " + block(type, "16x16") +
                      " -> " + block(sum, "16x16") + "\n" + reshaped(sum, "%d", "%z", "16x16", "256"),
                  sum}};
       }},
      {"tt.reduce",
       [](const std::string &type) -> List {
         return {{"  %s = \"tt.reduce\"(%x) <{axis = 0 : i32}> ({\n  ^bb0(%a: " + spelled(type) +
                      ", %b: " + spelled(type) + "):\n    tt.reduce.return %a : " + spelled(type) +
                      "\n  }) : (" + block(type) + ") -> " + spelled(type) +
                      "\n  %z = tt.splat %s : " + spelled(type) + " -> " + block(type),
                  type}};
       }},
      {"tt.scan",
       [](const std::string &type) -> List {
         return {
             {"  %z = \"tt.scan\"(%x) <{axis = 0 : i32, reverse = false}> ({\n  ^bb0(%a: " + spelled(type) +
                  ", %b: " + spelled(type) + "):\n    tt.scan.return %a : " + spelled(type) + "\n  }) : (" +
                  block(type) + ") -> " + block(type),
              type}};
       }},
      {"tt.atomic_rmw",
       [](const std::string &type) -> List {
         return {{"  %m = arith.constant dense<true> : " + block("i1") + "\n  %o = tt.atomic_rmw " +
                      (isFloat(type) ? "fadd" : "add") +
                      ", relaxed, gpu, %pp, %x, %m : (tensor<256x!tt.ptr<" + spelled(type) + ">>, " +
                      block(type) + ", " + block("i1") + ") -> " + block(type),
                  ""}};
       }},
  };
  auto found = irregular.find(op);
  return found == irregular.end() ? regular(op) : std::optional<Cases>(found->second);
}

// ---- what becomes of it ----

/// Empty when the engine takes the kernel, else its message.
std::string metalRefusal(ModuleOp module) {
  OwningOpRef<ModuleOp> clone(module.clone());
  try {
    MslOptions options;
    lowerToTritonMetal(*clone, options);
    printMsl(*clone, options);
    return "";
  } catch (const Error &error) {
    return error.what();
  }
}

std::string mlxRefusal(ModuleOp module) {
  OwningOpRef<ModuleOp> clone(module.clone());
  try {
    checkRaisable(*clone, /*hasDouble=*/true);
    LaunchSignature signature;
    for (int i = 0; i < 2; ++i) {
      ArgumentSpec pointer;
      pointer.kind = ArgumentSpec::Kind::Pointer;
      pointer.storage = i;
      signature.arguments.push_back(pointer);
      signature.storages.push_back({1 << 16});
    }
    raiseLaunch(*clone, signature);
    return "";
  } catch (const Error &error) {
    return error.what();
  }
}

TEST(Registry, TypesAreWhatTheEnginesDo) {
  ScopedDiagnosticHandler quiet(&context(), [](Diagnostic &) { return success(); });
  const std::vector<std::string> &types = elementTypes();
  std::set<std::string> asked;
  for (const OperationEntry &entry : operationEntries()) {
    if (entry.msl.form.empty() && entry.mlx.form.empty())
      continue; // refused as a whole
    std::optional<Cases> cases = casesOf(entry.name);
    if (!cases)
      continue;
    asked.insert(entry.name);
    for (size_t column = 0; column < types.size(); ++column)
      for (const Case &made : (*cases)(types[column])) {
        std::string what = entry.name + " on " + types[column], text = kernel(types[column], made);
        OwningOpRef<ModuleOp> module = parsed(text);
        EXPECT_EQ(bool(module), entry.msl.types[column].support != Support::NotAdmitted) << what << "\n"
                                                                                         << text;
        if (!module)
          continue;
        // Arithmetic on storage types is refused by the engines, and done in float32 by a pass before them.
        bool isWidened = entry.msl.types[column].support == Support::InFloat32;
        EXPECT_EQ(isWidened, entry.mlx.types[column].support == Support::InFloat32) << what;
        if (isWidened) {
          EXPECT_NE(metalRefusal(*module).find("tt-widen-storage-arithmetic has not run"), std::string::npos)
              << what;
          EXPECT_NE(mlxRefusal(*module).find("tt-widen-storage-arithmetic has not run"), std::string::npos)
              << what;
          PassManager passes(&context());
          passes.addPass(tt::createWidenStorageArithmetic());
          ASSERT_TRUE(succeeded(passes.run(*module))) << what;
        }
        auto check = [&](const EngineForm &form, const char *engine, const std::string &refusal) {
          const TypeSupport &expected = form.types[column];
          if (expected.support == Support::Refused) {
            EXPECT_NE(refusal.find("[" + entry.name + "] "), std::string::npos)
                << what << ", " << engine << ": " << refusal;
            EXPECT_NE(refusal.find(expected.reason), std::string::npos)
                << what << ", " << engine << ": " << refusal;
          } else if (expected.support != Support::NotAdmitted) {
            EXPECT_EQ(refusal, "") << what << ", " << engine << "\n" << text;
          }
        };
        check(entry.msl, "msl", metalRefusal(*module));
        check(entry.mlx, "mlx", mlxRefusal(*module));
      }
  }
  // What has no case here is control flow, messages, and what no verifier restricts.
  for (const OperationEntry &entry : operationEntries())
    if (entry.kind == "elementwise" && !entry.msl.form.empty() && entry.msl.form != "structure")
      EXPECT_TRUE(asked.count(entry.name) || entry.name == "arith.constant" ||
                  entry.name == "tt.ptr_to_int" || entry.name == "tt.get_program_id" ||
                  entry.name == "tt.get_num_programs")
          << entry.name << " has no case";
}

} // namespace
