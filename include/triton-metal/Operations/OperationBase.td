// SPDX-License-Identifier: MIT
// The fields of a record in the registry of operations. Operations.td has the records, from which
// triton-metal-tblgen makes the tables of the engines, the printer and the command line.
#ifndef TRITON_METAL_OPERATION_BASE
#define TRITON_METAL_OPERATION_BASE

// ---- element types ----

/// `test` is C++ code that recognizes an mlir::Type `type`. `software`: why the chips compute with it in
/// software. `notOnGpuInMLX`: why MLX refuses every use of it on a GPU.
class ElementType<string typeName, string typeTest, string whySoftware = "", string whyNotOnGpuInMLX = ""> {
  string name = typeName;
  string test = typeTest;
  string software = whySoftware;
  string notOnGpuInMLX = whyNotOnGpuInMLX;
  bit isStorage = false; // engines hold its bytes and cannot compute with it
}
class StorageType<string typeName, string typeTest> : ElementType<typeName, typeTest> { let isStorage = true; }
def I1 : ElementType<"i1", "type.isInteger(1)">;
def I8 : ElementType<"i8", "type.isInteger(8)">;
def I16 : ElementType<"i16", "type.isInteger(16)">;
def I32 : ElementType<"i32", "type.isInteger(32)">;
def I64 : ElementType<"i64", "type.isInteger(64)">;
def F16 : ElementType<"f16", "type.isF16()">;
def BF16 : ElementType<"bf16", "type.isBF16()">;
def F32 : ElementType<"f32", "type.isF32()">;
def F64 : ElementType<"f64", "type.isF64()", "is computed in integer arithmetic: Metal has no double.",
                      "is on the CPU device only: MLX has no float64 on a GPU.">;
def E5M2 : StorageType<"f8E5M2", "isa<Float8E5M2Type>(type)">;
def E4M3FN : StorageType<"f8E4M3FN", "isa<Float8E4M3FNType>(type)">;
def E4M3B11FNUZ : StorageType<"f8E4M3B11FNUZ", "isa<Float8E4M3B11FNUZType>(type)">;
def E4M3FNUZ : StorageType<"f8E4M3FNUZ", "isa<Float8E4M3FNUZType>(type)">;
def E5M2FNUZ : StorageType<"f8E5M2FNUZ", "isa<Float8E5M2FNUZType>(type)">;
def Ptr : ElementType<"ptr", "isa<tt::PointerType>(type)">;

defvar Ints = [I8, I16, I32, I64];
defvar AllInts = [I1] # Ints;
defvar Floats = [F16, BF16, F32, F64];
defvar Storage8 = [E5M2, E4M3FN, E4M3B11FNUZ, E4M3FNUZ, E5M2FNUZ];
defvar AllFloats = Floats # Storage8;
defvar Numbers = AllInts # AllFloats;
defvar Everything = Numbers # [Ptr];
// In the order of the columns.
class ElementTypes { list<ElementType> all = Everything; }
def AllElementTypes : ElementTypes;

// ---- limits ----

/// Element types that the verifier of an operation admits but an engine does not support. The reason is a
/// clause that follows the name of the type: "f8E5M2 is a storage format".
class Limit<list<ElementType> limited, string what, string why, string exception> {
  list<ElementType> types = limited;
  string support = what;     // an enumerator of tmetal::Support
  string reason = why;
  string unless = exception; // in C++, an `op` that is supported after all
}
class Refused<list<ElementType> types, string why, string unless = "false">
    : Limit<types, "Refused", why, unless>;
class CpuOnly<list<ElementType> types, string why> // only the chips refuse it, which the printer reports
    : Limit<types, "CpuOnly", why, "false">;

/// Bars arithmetic on 8-bit floats, whose bytes would be taken for numbers.
def StorageOnly : Refused<Storage8, "is a storage format: convert to float32 first.">;
/// The pass tt-widen-storage-arithmetic computes it in float32. An engine that meets it refuses it.
class WidenedUnless<string exception>
    : Limit<Storage8, "InFloat32", "is a storage format, and tt-widen-storage-arithmetic has not run.", exception>;
def InFloat32 : WidenedUnless<"false">;

// ---- engines ----

/// How an engine handles an operation. `rule` is the C++ function that lowers or raises it. Without
/// a rule the operation is refused, with `note` as the reason, or handled together with the
/// operation that it belongs to.
class Engine {
  string rule = "";
  string form = "";
  string note = "";
  bit hasNoRow = false; // the engine never meets it on its own
  list<Limit> limits = [];
}

/// A kernel in Metal Shading Language, by a rule of the distribution.
class Metal<string ruleName, string formText, string noteText = "", list<Limit> engineLimits = []> : Engine {
  let rule = ruleName;
  let form = formText;
  let note = noteText;
  let limits = engineLimits;
}
/// MLX operations, by a rule of the raising.
class MLX<string ruleName, string formText, string noteText = "", list<Limit> engineLimits = []> : Engine {
  let rule = ruleName;
  let form = formText;
  let note = noteText;
  let limits = engineLimits;
}
class Refuses<string why> : Engine { let note = why; }
/// Passes replace it before the engines run; the reason is for those that remain.
class Before<string formText, string why> : Engine {
  let form = formText;
  let note = why;
}
/// A part of another operation, lowered together with that one.
def Within : Engine {
  let form = "structure";
  let hasNoRow = true;
}
def NotInMetal : Refuses<"This operation has no form in Metal yet.">;
def NotInMLX : Refuses<"This operation has no form in MLX yet.">;

// ---- operations ----

/// The kind of an operation, for generators of programs and tables.
class Kind<string kindName> { string name = kindName; }
def Elementwise : Kind<"elementwise">; // pure, element by element
def View : Kind<"view">;               // pure, moves elements
def Combination : Kind<"combination">; // pure, combines elements
def Memory : Kind<"memory">;
def Control : Kind<"control">;
def Message : Kind<"message">;
def Structure : Kind<"structure">; // functions and terminators

/// The values whose element types the record describes.
class Values<string cxx> { string name = cxx; }
def AllValues : Values<"all">;
def Results : Values<"results">;
def FirstOperand : Values<"firstOperand">;
def SecondOperand : Values<"secondOperand">;

class Operation<string opName, Kind opKind, list<ElementType> admittedTypes, Engine metalEngine, Engine mlxEngine,
                list<Limit> commonLimits = [], Values ofValues = AllValues> {
  string name = opName;
  Kind kind = opKind;
  list<ElementType> admitted = admittedTypes; // those that the verifier admits
  Engine metal = metalEngine;
  Engine mlx = mlxEngine;
  list<Limit> limits = commonLimits; // limits of both engines
  Values values = ofValues;
  // The rules take 8-bit floats for bytes that they move, or convert them. An operation that computes and does
  // not set this must limit storage types; the generator insists.
  bit handlesStorage = false;
  // How the printer spells it for scalars: a C++ expression with `use`. Empty if it is no expression.
  string spelling = "";
}

// ---- spellings ----

/// A call of a function of kernels/triton_metal that supports all types.
class Call<string function> { string text = "use.call(\"tm::" # function # "\")"; }
/// A call of a function for float and double; narrower types are computed in float.
class FloatCall<string function> { string text = "floatCall(use, \"tm::" # function # "\")"; }
/// An operator on floats, rounded after each operation.
class FloatSign<string sign> { string text = "arithmetic(use, \"" # sign # "\")"; }

#endif
