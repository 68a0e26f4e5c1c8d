// SPDX-License-Identifier: MIT
#include "KernelReport.h"
#include "TypeNames.h"
#include "cpu/Environment.h"

#include "triton-metal/Support/Errors.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

namespace tmetal {

namespace {

// The layout of kernels/triton_metal/report.h.
constexpr size_t kHeaderWords = 2;  // records wanted, records that fit
constexpr size_t kRecordWords = 16; // message, position of the program, payload
constexpr size_t kPayload = 4;
constexpr size_t kRacesShown = 8;

uint32_t recordsThatFit() {
  return static_cast<uint32_t>(integerVariable("TRITON_METAL_REPORT_RECORDS", 1, (1 << 26) - 1, 1 << 16));
}

float halfToFloat(uint16_t bits) {
  _Float16 half;
  std::memcpy(&half, &bits, sizeof half);
  return static_cast<float>(half);
}

float bitsToFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::string format(const char *pattern, auto value) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, pattern, value);
  return buffer;
}

/// Formats an operand like printf in CUDA: decimal, hexadecimal in the width of the type, or %f.
std::string operandText(const std::string &type, bool hex, const uint32_t *&words) {
  uint64_t bits = *words++;
  bool isPointer = type.rfind("!tt.ptr", 0) == 0;
  int width = isPointer ? 64 : bitWidthOf(type);
  if (width == 64)
    bits |= static_cast<uint64_t>(*words++) << 32;
  else if (width < 32)
    bits &= (uint64_t(1) << width) - 1;
  if (isPointer)
    return format("0x%llx", static_cast<unsigned long long>(bits));
  if (hex) {
    char pattern[16];
    std::snprintf(pattern, sizeof pattern, "0x%%0%dllx", std::max(width / 4, 1));
    return format(pattern, static_cast<unsigned long long>(bits));
  }
  if (type == "f32")
    return format("%f", bitsToFloat(static_cast<uint32_t>(bits)));
  if (type == "f16")
    return format("%f", halfToFloat(static_cast<uint16_t>(bits)));
  if (type == "bf16")
    return format("%f", bitsToFloat(static_cast<uint32_t>(bits) << 16));
  if (type == "f64") {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return format("%f", value);
  }
  if (type[0] == 'u' || width == 1)
    return format("%llu", static_cast<unsigned long long>(bits));
  int64_t value = static_cast<int64_t>(bits << (64 - width)) >> (64 - width);
  return format("%lld", static_cast<long long>(value));
}

std::string programText(const uint32_t *record) {
  return "(" + std::to_string(record[1]) + ", " + std::to_string(record[2]) + ", " +
         std::to_string(record[3]) + ")";
}

std::string indexText(const uint32_t *&words, int coordinates) {
  std::string text;
  for (int i = 0; i < coordinates; ++i)
    text += (i ? ", " : "") + std::to_string(*words++);
  return text;
}

/// The same lines as Triton's CUDA backend prints, one for each operand.
std::string printedText(const MslKernel::Message &message, const uint32_t *record) {
  const uint32_t *words = record + kPayload;
  std::string head =
      "pid " + programText(record) + " idx (" + indexText(words, message.coordinates) + ")" + message.text;
  if (message.types.empty())
    return head + "\n";
  std::string lines;
  for (size_t i = 0; i < message.types.size(); ++i) {
    lines += head;
    if (message.types.size() > 1)
      lines += "(operand " + std::to_string(i) + ") ";
    lines += operandText(message.types[i], message.hex, words) + "\n";
  }
  return lines;
}

std::string placeOf(const MslKernel::Message &message) {
  return message.line ? message.file + ":" + std::to_string(message.line) : "";
}

/// One sentence about a failed assertion or a fault, after its source position.
std::string faultText(const MslKernel &kernel, const MslKernel::Message &message, const uint32_t *record) {
  const uint32_t *words = record + kPayload;
  std::string place = placeOf(message);
  std::string head = (place.empty() ? "" : place + ": ") + "[" + kernel.name + "] ";
  std::string program = "program " + programText(record);
  if (message.kind == "assert") {
    std::string index = indexText(words, message.coordinates);
    return head + "Assertion failed in " + program + (index.empty() ? "" : " at element (" + index + ")") +
           ": " + message.text;
  }
  if (message.kind == "address") {
    auto index = static_cast<int64_t>(words[0] | static_cast<uint64_t>(words[1]) << 32);
    return head + "In " + program + " index " + std::to_string(index) + " of argument '" + message.text +
           "' is outside of its memory.";
  }
  return head + "In " + program + ": " + message.text;
}

} // namespace

std::string stuckText(const MslKernel &kernel, unsigned site, const std::array<unsigned, 3> &program) {
  std::string place = site < kernel.messages.size() ? placeOf(kernel.messages[site]) : "";
  std::string position =
      std::to_string(program[0]) + ", " + std::to_string(program[1]) + ", " + std::to_string(program[2]);
  return (place.empty() ? "" : place + ": ") + "[" + kernel.name +
         "] Programs wait for each other: program (" + position +
         ") waits here, and no program that runs can change what it waits for. Programs start in order, so "
         "one "
         "may only wait for those before it.";
}

/// One sentence about two accesses of one program. Their order only tells which was seen later.
std::string KernelReport::raceText(const MslKernel::Message &message, const uint32_t *record) const {
  static const char *const kinds[] = {"load", "store", "atomic operation"};
  const uint32_t *words = record + kPayload;
  auto kind = [&](uint32_t code) { return std::string(kinds[std::min<uint32_t>(code, 2)]); };
  auto what = [](const MslKernel::Message &site) {
    return site.text == "threadgroup memory" ? site.text
           : site.text.empty()               ? "memory"
                                             : "argument '" + site.text + "'";
  };
  std::string place = placeOf(message), other;
  if (words[0] < kernel.messages.size())
    other = placeOf(kernel.messages[words[0]]);
  return (place.empty() ? "" : place + ": ") + "[" + kernel.name + "] In program " + programText(record) +
         " the " + kind(words[1]) + " here and the " + kind(words[2]) + " " +
         (other.empty() || other == place ? "by another thread here" : "at " + other) +
         " touch the same element of " + what(message) + " without a barrier in between.";
}

KernelReport::KernelReport(const MslKernel &kernel) : kernel(kernel), capacity(recordsThatFit()) {
  words = std::make_unique_for_overwrite<uint32_t[]>(kHeaderWords + size_t(capacity) * kRecordWords);
  words[0] = 0;
  words[1] = capacity;
}

size_t KernelReport::bytes() const {
  return (kHeaderWords + size_t(capacity) * kRecordWords) * sizeof(uint32_t);
}

void KernelReport::deliver(const Output &output) const {
  uint32_t wanted = words[0];
  if (wanted == 0 && failure.empty())
    return;
  std::string printed, fault;
  ErrorKind kind = ErrorKind::Assertion;
  std::set<std::string> races;
  uint32_t faults = 0;
  for (uint32_t i = 0; i < std::min(wanted, capacity); ++i) {
    const uint32_t *record = &words[kHeaderWords + size_t(i) * kRecordWords];
    if (record[0] >= kernel.messages.size())
      continue;
    const MslKernel::Message &message = kernel.messages[record[0]];
    if (message.kind == "print") {
      printed += printedText(message, record);
      continue;
    }
    if (message.kind == "race" && races.size() < kRacesShown)
      races.insert(raceText(message, record));
    if (faults++ == 0) {
      fault = faultText(kernel, message, record);
      kind = message.kind == "assert" ? ErrorKind::Assertion : ErrorKind::Sanitizer;
    }
  }
  if (wanted > capacity)
    printed +=
        "[" + kernel.name + "] " + std::to_string(wanted - capacity) + " of " + std::to_string(wanted) +
        " messages did not fit in the buffer and are lost; TRITON_METAL_REPORT_RECORDS sets its size.\n";
  if (!printed.empty() && output)
    output(printed);
  if (!races.empty()) {
    fault = "";
    for (const std::string &race : races)
      fault += (fault.empty() ? "" : "\n") + race;
    if (faults > races.size())
      fault += " (and " + std::to_string(faults - races.size()) + " more)";
  } else if (faults > 1) {
    fault += " (and " + std::to_string(faults - 1) + " more)";
  }
  if (!failure.empty()) {
    fault += (fault.empty() ? "" : "\n") + failure;
    if (faults++ == 0)
      kind = ErrorKind::Sanitizer;
  }
  if (faults)
    throw Error(kind, fault);
}

} // namespace tmetal
