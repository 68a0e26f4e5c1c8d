// SPDX-License-Identifier: MIT
// Generates tables from the registry of operations (Operations.td) and from the `mlx` dialect (MLXOps.td).
// Each table is a list of macro calls, so that a C++ file decides how to use a row, and a row that names an
// unknown rule does not compile.
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TableGen/Error.h"
#include "llvm/TableGen/Main.h"
#include "llvm/TableGen/Record.h"

#include <string>
#include <vector>

using namespace llvm;

namespace {

enum class Table { Registry, Distribution, Raising, Spellings, Executor };

cl::opt<Table> table(
    cl::desc("the table to make:"), cl::Required,
    cl::values(clEnumValN(Table::Registry, "gen-registry", "what `triton-metal ops` tells, and types"),
               clEnumValN(Table::Distribution, "gen-distribution", "rules of the engine for Metal kernels"),
               clEnumValN(Table::Raising, "gen-raising", "rules of the engine for MLX operations"),
               clEnumValN(Table::Spellings, "gen-spellings", "scalar operations as Metal expressions"),
               clEnumValN(Table::Executor, "gen-executor", "MLX operations that are one call of MLX")));

/// Quotes the text as a C++ string literal.
std::string quoted(StringRef text) {
  std::string out = "\"";
  raw_string_ostream stream(out);
  stream.write_escaped(text);
  return out + "\"";
}

/// The records of a class, in the order of the file.
std::vector<const Record *> inOrder(const RecordKeeper &records, StringRef name) {
  ArrayRef<const Record *> found = records.getAllDerivedDefinitions(name);
  std::vector<const Record *> sorted(found.begin(), found.end());
  llvm::sort(sorted, [](const Record *a, const Record *b) { return a->getID() < b->getID(); });
  return sorted;
}

std::vector<const Record *> operations(const RecordKeeper &records) {
  std::vector<const Record *> all = inOrder(records, "Operation");
  StringSet<> names;
  for (const Record *op : all)
    if (!names.insert(op->getValueAsString("name")).second)
      PrintFatalError(op->getLoc(), "there are two records of '" + op->getValueAsString("name") + "'");
  return all;
}

// ---- tables of the engines ----

bool isRefused(const Record *engine) { return engine->getValueAsString("rule").empty(); }

void writeRules(const RecordKeeper &records, StringRef engineName, StringRef macro, raw_ostream &out) {
  for (const Record *op : operations(records)) {
    const Record *engine = op->getValueAsDef(engineName);
    if (engine->getValueAsBit("hasNoRow"))
      continue;
    std::string name = quoted(op->getValueAsString("name")), note = quoted(engine->getValueAsString("note"));
    if (isRefused(engine)) {
      out << macro << "_REFUSED(" << name << ", " << note << ")\n";
      continue;
    }
    out << macro << "(" << name << ", " << engine->getValueAsString("rule") << ")\n";
  }
}

void writeSpellings(const RecordKeeper &records, raw_ostream &out) {
  for (const Record *op : operations(records))
    if (StringRef spelling = op->getValueAsString("spelling"); !spelling.empty())
      out << "TM_SPELLING(" << quoted(op->getValueAsString("name")) << ", " << spelling << ")\n";
}

// ---- the registry ----

class Registry {
public:
  Registry(const RecordKeeper &records, raw_ostream &out) : records(records), out(out) {}

  void write() {
    types = records.getDef("AllElementTypes")->getValueAsListOfDefs("all");
    std::string rows;
    raw_string_ostream stream(rows);
    for (const Record *op : operations(records))
      writeRow(op, stream);
    section("TM_ELEMENT_TYPE", [&] {
      for (const Record *type : types)
        out << "TM_ELEMENT_TYPE(" << quoted(type->getValueAsString("name")) << ", "
            << type->getValueAsString("test") << ", " << type->getValueAsBit("isStorage") << ")\n";
    });
    section("TM_REASON", [&] {
      for (const auto &[index, reason] : enumerate(reasons))
        out << "TM_REASON(" << index + kFirstReason << ", " << reason.support << ", " << quoted(reason.text)
            << ", " << reason.unless << ")\n";
    });
    section("TM_OPERATION", [&] { out << rows; });
  }

private:
  /// The values of a cell: right, not admitted by the verifier, or the number of a reason.
  enum : unsigned { kRight = 0, kNotAdmitted = 1, kFirstReason = 2 };
  struct Reason {
    StringRef support, text, unless;
    bool operator==(const Reason &other) const {
      return support == other.support && text == other.text && unless == other.unless;
    }
  };

  template <typename Body> void section(StringRef macro, Body body) {
    out << "#ifdef " << macro << "\n";
    body();
    out << "#undef " << macro << "\n#endif\n";
  }

  std::string cells(const Record *op, const Record *engine, bool isMetal) {
    // Limits of the engine take precedence.
    std::vector<const Record *> limits = engine->getValueAsListOfDefs("limits");
    append_range(limits, op->getValueAsListOfDefs("limits"));
    std::vector<const Record *> admitted = op->getValueAsListOfDefs("admitted");
    std::vector<std::string> numbers;
    for (const Record *type : types)
      numbers.push_back(std::to_string(is_contained(admitted, type) ? cell(op, type, engine, isMetal, limits)
                                                                    : unsigned(kNotAdmitted)));
    return "TM_CELLS(" + join(numbers, ", ") + ")";
  }

  /// A rule that computes would take the bytes of a storage type for numbers.
  static bool mayComputeOnBytes(const Record *op, const Record *type) {
    StringRef kind = op->getValueAsDef("kind")->getValueAsString("name");
    return type->getValueAsBit("isStorage") && (kind == "elementwise" || kind == "combination") &&
           !op->getValueAsBit("handlesStorage");
  }

  unsigned cell(const Record *op, const Record *type, const Record *engine, bool isMetal,
                ArrayRef<const Record *> limits) {
    bool refusesAll = isRefused(engine) && engine->getValueAsString("form").empty();
    if (refusesAll && !engine->getValueAsBit("hasNoRow"))
      return numberOf({"Refused", engine->getValueAsString("note"), "false"});
    for (const Record *limit : limits)
      if (is_contained(limit->getValueAsListOfDefs("types"), type))
        return numberOf({limit->getValueAsString("support"), limit->getValueAsString("reason"),
                         limit->getValueAsString("unless")});
    if (StringRef why = type->getValueAsString(isMetal ? "software" : "notOnGpuInMLX"); !why.empty())
      return numberOf({isMetal ? "Software" : "CpuOnly", why, "false"});
    if (!isRefused(engine) && mayComputeOnBytes(op, type))
      PrintFatalError(op->getLoc(), "'" + op->getValueAsString("name") + "' computes on the storage type " +
                                        type->getValueAsString("name") +
                                        ": limit it (InFloat32, StorageOnly) or set handlesStorage");
    return kRight;
  }

  unsigned numberOf(Reason reason) {
    auto found = llvm::find(reasons, reason);
    if (found == reasons.end())
      found = reasons.insert(reasons.end(), reason);
    return unsigned(found - reasons.begin()) + kFirstReason;
  }

  void writeRow(const Record *op, raw_ostream &stream) {
    stream << "TM_OPERATION(" << quoted(op->getValueAsString("name")) << ", "
           << quoted(op->getValueAsDef("kind")->getValueAsString("name")) << ", "
           << op->getValueAsDef("values")->getValueAsString("name");
    for (const char *name : {"metal", "mlx"}) {
      const Record *engine = op->getValueAsDef(name);
      stream << ",\n  " << quoted(engine->getValueAsString("form")) << ", "
             << quoted(engine->getValueAsString("note")) << ", "
             << cells(op, engine, StringRef(name) == "metal");
    }
    stream << ")\n";
  }

  const RecordKeeper &records;
  raw_ostream &out;
  std::vector<const Record *> types;
  std::vector<Reason> reasons;
};

// ---- the executor ----

void writeExecutor(const RecordKeeper &records, raw_ostream &out) {
  // The class of an operation determines the form of the MLX function.
  const std::pair<const char *, const char *> forms[] = {
      {"MLX_Unary", "unary"}, {"MLX_Binary", "binary"}, {"MLX_Reduction", "reduction"}, {"MLX_Scan", "scan"}};
  for (const auto &[name, form] : forms)
    for (const Record *op : inOrder(records, name))
      out << "TM_MLX_CALL(" << op->getValueAsString("opName") << ", " << form << ")\n";
}

bool writeTable(raw_ostream &out, const RecordKeeper &records) {
  out << "// Made by triton-metal-tblgen from " << sys::path::filename(records.getInputFilename()) << ".\n";
  switch (table.getValue()) {
  case Table::Registry:
    Registry(records, out).write();
    break;
  case Table::Distribution:
    writeRules(records, "metal", "TM_DISTRIBUTION", out);
    break;
  case Table::Raising:
    writeRules(records, "mlx", "TM_RAISING", out);
    break;
  case Table::Spellings:
    writeSpellings(records, out);
    break;
  case Table::Executor:
    writeExecutor(records, out);
    break;
  }
  return false;
}

} // namespace

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Tables of Triton Metal\n");
  return TableGenMain(argv[0], writeTable);
}
