// SPDX-License-Identifier: MIT
// The names that a text may use.
#include "Printer.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tmetal {

// ---- reserved words ----

/// Keywords, macros, and functions that a text calls without a namespace.
static const char *const kWords[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "atomic_int", "atomic_uint", "auto", "bfloat", "bitand",
    "bitor", "bool", "break", "case", "catch", "char", "class", "compl", "const", "const_cast", "constant",
    "constexpr", "continue", "coherent", "concept", "consteval", "constinit", "co_await", "co_return",
    "co_yield", "decltype", "default", "delete", "device", "do", "double", "dynamic_cast", "else", "enum",
    "explicit", "export", "extern", "false", "float", "for", "fragment", "friend", "goto", "half", "if",
    "imageblock", "inline", "int", "int8_t", "int16_t", "int32_t", "int64_t", "intersection", "kernel",
    "long", "mesh", "metal", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "object",
    "object_data", "operator", "or", "or_eq", "packed_float4", "payload", "private", "protected", "ptrdiff_t",
    "public", "ray_data", "register", "reinterpret_cast", "requires", "restrict", "return", "sampler",
    "short", "signed", "size_t", "sizeof", "stage_in", "static", "static_assert", "static_cast", "std",
    "struct", "switch", "template", "texture", "this", "thread", "thread_local", "threadgroup",
    "threadgroup_imageblock", "throw", "tile", "true", "try", "typedef", "typeid", "typename", "uchar",
    "uint", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "ulong", "union", "unsigned", "ushort", "using",
    "vec", "vertex", "virtual", "visible", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
    // macros of the headers of Metal and C
    "assert", "errno", "linux", "unix", "INFINITY", "NAN", "NULL", "MAXFLOAT", "MAXHALF", "MAXBFLOAT",
    "HUGE_VALF", "HUGE_VALH", "HUGE_VAL", "FLT_MAX", "FLT_MIN", "FLT_EPSILON", "HALF_MAX", "HALF_MIN",
    "HALF_EPSILON", "INT_MAX", "INT_MIN", "UINT_MAX", "LONG_MAX", "LONG_MIN", "ULONG_MAX", "CHAR_BIT",
    "CHAR_MAX", "CHAR_MIN", "SHRT_MAX", "SHRT_MIN", "UCHAR_MAX", "USHRT_MAX", "SCHAR_MAX", "SCHAR_MIN",
    "DBL_MAX", "DBL_MIN", "FLT_DIG", "FLT_RADIX", "stdin", "stdout", "stderr", "EOF", "BUFSIZ",
    "EXIT_SUCCESS", "EXIT_FAILURE", "RAND_MAX", "I", "complex",
    // used by the printed text itself
    "as_type", "main", "make_filled_simdgroup_matrix", "mem_flags", "r", "simdgroup_load", "simdgroup_matrix",
    "simdgroup_multiply_accumulate", "simdgroup_store", "threadgroup_barrier", "tm", "uint3", "ulong2"};

/// Functions of the global scope or namespace metal: a kernel must not have their names, a variable may.
static const char *const kFunctions[] = {"abs",
                                         "absdiff",
                                         "access",
                                         "acos",
                                         "acosh",
                                         "addsat",
                                         "alarm",
                                         "all",
                                         "any",
                                         "array",
                                         "asin",
                                         "asinh",
                                         "atan",
                                         "atan2",
                                         "atanh",
                                         "bind",
                                         "brk",
                                         "calloc",
                                         "cbrt",
                                         "ceil",
                                         "chdir",
                                         "clamp",
                                         "clock",
                                         "close",
                                         "clz",
                                         "connect",
                                         "copysign",
                                         "cos",
                                         "cosh",
                                         "cospi",
                                         "cross",
                                         "ctz",
                                         "determinant",
                                         "dfdx",
                                         "dfdy",
                                         "discard_fragment",
                                         "distance",
                                         "distance_squared",
                                         "div",
                                         "dot",
                                         "dup",
                                         "erf",
                                         "erfc",
                                         "execve",
                                         "exit",
                                         "exp",
                                         "exp10",
                                         "exp2",
                                         "expm1",
                                         "extract_bits",
                                         "fabs",
                                         "faceforward",
                                         "fast",
                                         "fdim",
                                         "floor",
                                         "fma",
                                         "fmax",
                                         "fmax3",
                                         "fmedian3",
                                         "fmin",
                                         "fmin3",
                                         "fmod",
                                         "fork",
                                         "fract",
                                         "free",
                                         "frexp",
                                         "fwidth",
                                         "gamma",
                                         "getpid",
                                         "hadd",
                                         "hypot",
                                         "ilogb",
                                         "index",
                                         "insert_bits",
                                         "isfinite",
                                         "isinf",
                                         "isnan",
                                         "isnormal",
                                         "isordered",
                                         "isunordered",
                                         "j0",
                                         "j1",
                                         "jn",
                                         "kill",
                                         "labs",
                                         "ldexp",
                                         "length",
                                         "length_squared",
                                         "lgamma",
                                         "link",
                                         "listen",
                                         "log",
                                         "log10",
                                         "log1p",
                                         "log2",
                                         "logb",
                                         "lrint",
                                         "mad24",
                                         "madhi",
                                         "madsat",
                                         "malloc",
                                         "max",
                                         "max3",
                                         "median3",
                                         "memcpy",
                                         "memmove",
                                         "memset",
                                         "min",
                                         "min3",
                                         "mix",
                                         "modf",
                                         "mul24",
                                         "mulhi",
                                         "nan",
                                         "nearbyint",
                                         "nextafter",
                                         "norm",
                                         "normalize",
                                         "open",
                                         "pause",
                                         "permute",
                                         "pipe",
                                         "poll",
                                         "popcount",
                                         "pow",
                                         "powr",
                                         "precise",
                                         "printf",
                                         "puts",
                                         "quad_sum",
                                         "raise",
                                         "rand",
                                         "read",
                                         "realloc",
                                         "reflect",
                                         "refract",
                                         "remainder",
                                         "remove",
                                         "remquo",
                                         "rename",
                                         "reverse_bits",
                                         "rhadd",
                                         "rindex",
                                         "rint",
                                         "rotate",
                                         "round",
                                         "rsqrt",
                                         "saturate",
                                         "scalb",
                                         "select",
                                         "send",
                                         "sign",
                                         "signal",
                                         "signbit",
                                         "significand",
                                         "simd_all",
                                         "simd_any",
                                         "simd_ballot",
                                         "simd_broadcast",
                                         "simd_max",
                                         "simd_min",
                                         "simd_product",
                                         "simd_shuffle",
                                         "simd_sum",
                                         "sin",
                                         "sincos",
                                         "sinh",
                                         "sinpi",
                                         "sleep",
                                         "smoothstep",
                                         "socket",
                                         "sqrt",
                                         "step",
                                         "strcpy",
                                         "strlen",
                                         "sub",
                                         "subsat",
                                         "swab",
                                         "sync",
                                         "system",
                                         "tan",
                                         "tanh",
                                         "tanpi",
                                         "tgamma",
                                         "time",
                                         "times",
                                         "transpose",
                                         "trunc",
                                         "truncate",
                                         "usleep",
                                         "vfork",
                                         "wait",
                                         "write",
                                         "y0",
                                         "y1",
                                         "yn"};

/// float4, half2x3, packed_uint3 and the like.
static bool isVectorType(StringRef word) {
  word.consume_front("packed_");
  auto isExtent = [](char c) { return c >= '2' && c <= '4'; };
  if (word.size() > 3 && isExtent(word[word.size() - 3]) && word[word.size() - 2] == 'x' &&
      isExtent(word.back()))
    word = word.drop_back(2);
  if (word.size() < 4 || !isExtent(word.back()))
    return false;
  return llvm::is_contained({"bool", "char", "uchar", "short", "ushort", "int", "uint", "long", "ulong",
                             "half", "bfloat", "float", "double"},
                            word.drop_back(1));
}

/// Turns `given` into an identifier that is unique in the text.
std::string MslPrinter::safeName(StringRef given, StringRef prefix, bool isFunction) {
  std::string wanted;
  for (char c : given)
    wanted += llvm::isAlnum(c) || c == '_' ? c : '_';
  // Leading underscores are reserved for the compiler, and tm_ for the printed text.
  if (wanted.empty() || llvm::isDigit(wanted[0]) || wanted[0] == '_' ||
      StringRef(wanted).starts_with_insensitive("tm_"))
    wanted = prefix.str() + wanted;
  if (isFunction && llvm::is_contained(kFunctions, StringRef(wanted)))
    wanted = prefix.str() + wanted;
  if (isVectorType(wanted))
    wanted += "_";
  while (!used.insert(wanted).second)
    wanted += "_";
  return wanted;
}

MslPrinter::MslPrinter(tm::KernelOp kernel, const MslOptions &options)
    : kernel(kernel), options(options), target(targetInfo(options.arch)), roots(kernel),
      aliases(AliasGroups::ofPointers(kernel.getBody().front().getArgumentTypes(), options.aliasGroups)) {
  for (const char *word : kWords)
    used.insert(word);
}

} // namespace tmetal
