// SPDX-License-Identifier: MIT
#include "Lowering.h"
#include "triton-metal/Conversion/TritonToMLX.h"
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

using namespace mlir;

namespace tmetal {

static std::string firstLine(const std::string &text) { return text.substr(0, text.find('\n')); }

static bool isRaisable(ModuleOp module, bool hasDouble) {
  try {
    checkRaisable(module, hasDouble);
    return true;
  } catch (const Error &) {
    return false;
  }
}

EngineChoice chooseEngine(ModuleOp module, const EngineRequest &request, std::optional<MetalCode> &code) {
  if (request.engine == "mlx") {
    checkRaisable(module, request.hasDouble());
    return {"mlx", "it was asked for"};
  }
  if (request.engine == "msl") {
    code = metalCode(module, request.msl);
    return {"msl", "it was asked for"};
  }
  if (request.onGpu) {
    checkRaisable(module, request.hasDouble());
    return {"mlx", "kernels in Metal Shading Language run on the CPU device only in this version"};
  }
  const bool checking = !checkModes(request.msl).empty(); // only the msl engine has them
  if (!request.hasCompiler && !checking) {
    checkRaisable(module, request.hasDouble());
    return {"mlx", "there is no clang to compile Metal text with"};
  }
  std::string refusal;
  try {
    code = metalCode(module, request.msl);
    return {"msl", "one fused kernel"};
  } catch (const OutOfResources &error) {
    if (checking || error.resource != "shared memory" || !isRaisable(module, request.hasDouble()))
      throw;
    return {"mlx", firstLine(error.what()) + " The mlx engine needs none."};
  } catch (const Error &error) {
    if (error.kind != ErrorKind::Unsupported || checking)
      throw;
    refusal = error.what();
  }
  try {
    checkRaisable(module, request.hasDouble());
  } catch (const Error &error) {
    if (error.kind != ErrorKind::Unsupported || refusal == error.what())
      throw;
    throw Error(ErrorKind::Unsupported, refusal + "\nNor can the mlx engine run it: " + error.what());
  }
  return {"mlx", "the msl engine refuses it: " + firstLine(refusal)};
}

void setTarget(ModuleOp module, const Target &target) {
  const MslOptions &msl = target.request.msl;
  tt::CheckModes checks = tt::CheckModes::None;
  if (msl.checkAddresses)
    checks = checks | tt::CheckModes::Address;
  if (msl.checkRaces)
    checks = checks | tt::CheckModes::Thread;
  if (msl.checkUndefined)
    checks = checks | tt::CheckModes::Undefined;
  module->setDiscardableAttr(tt::TargetAttr::name,
                             tt::TargetAttr::get(module.getContext(), msl.arch,
                                                 target.request.onGpu ? tt::Device::Gpu : tt::Device::Cpu,
                                                 *tt::symbolizeEngine(target.request.engine),
                                                 *tt::symbolizeEngine(target.choice.engine),
                                                 target.choice.reason, msl.simdgroups, msl.fpFusion, checks));
}

std::optional<Target> targetOf(ModuleOp module) {
  Attribute attribute = module->getDiscardableAttr(tt::TargetAttr::name);
  if (!attribute)
    return std::nullopt;
  auto recorded = dyn_cast<tt::TargetAttr>(attribute);
  if (!recorded)
    throw Error(ErrorKind::Compile, "[tt.target] The attribute of the module is not a #tt.target.");
  Target target;
  target.request.engine = tt::stringifyEngine(recorded.getRequested()).str();
  target.request.onGpu = recorded.getDevice() == tt::Device::Gpu;
  MslOptions &msl = target.request.msl;
  msl.arch = recorded.getArch().str();
  msl.simdgroups = recorded.getSimdgroups();
  msl.fpFusion = recorded.getFpFusion();
  msl.checkAddresses = tt::bitEnumContainsAll(recorded.getChecks(), tt::CheckModes::Address);
  msl.checkRaces = tt::bitEnumContainsAll(recorded.getChecks(), tt::CheckModes::Thread);
  msl.checkUndefined = tt::bitEnumContainsAll(recorded.getChecks(), tt::CheckModes::Undefined);
  target.choice = {tt::stringifyEngine(recorded.getEngine()).str(), recorded.getReason().str()};
  return target;
}

} // namespace tmetal
