// SPDX-License-Identifier: MIT
#include "LaunchPrimitive.h"
#include "BoundLaunch.h"

#include "triton-metal/Support/Errors.h"

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"

#include <cstring>

namespace tmetal {

namespace {

/// Copies an array with any strides to contiguous rows.
void copyStrided(char *&target, const char *source, const mx::Shape &shape, const mx::Strides &strides,
                 size_t dimension, size_t itemsize) {
  if (dimension == shape.size()) {
    std::memcpy(target, source, itemsize);
    target += itemsize;
    return;
  }
  int64_t stride = strides[dimension] * static_cast<int64_t>(itemsize);
  if (dimension + 1 == shape.size() && stride == static_cast<int64_t>(itemsize)) {
    size_t bytes = static_cast<size_t>(shape[dimension]) * itemsize;
    std::memcpy(target, source, bytes);
    target += bytes;
    return;
  }
  for (int i = 0; i < shape[dimension]; ++i)
    copyStrided(target, source + i * stride, shape, strides, dimension + 1, itemsize);
}

/// A copy of an input to contiguous rows in memory of its own, made before the launch.
struct Copy {
  const char *source;
  char *target;
  size_t bytes;
  mx::Shape shape;
  mx::Strides strides;
  size_t itemsize;
  bool rows;

  void run() const {
    char *next = target;
    if (rows)
      std::memcpy(target, source, bytes);
    else
      copyStrided(next, source, shape, strides, 0, itemsize);
  }
};

/// The memory of the inputs of a launch at the time when the stream runs it.
struct Placement {
  std::vector<Copy> copies;
  std::vector<char *> pointers;
  std::vector<mx::array> temporaries;

  void copyInto(const mx::array &input, char *target) {
    if (input.size() != 0)
      copies.push_back({input.data<char>(), target, input.nbytes(), input.shape(), input.strides(),
                        input.itemsize(), input.flags().row_contiguous});
  }
};

Placement place(const std::vector<mx::array> &inputs, std::vector<mx::array> &outputs,
                const std::vector<int> &outputOf, ArrayCounters &counters) {
  Placement placed;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const mx::array &input = inputs[i];
    bool rows = input.flags().row_contiguous;
    if (outputOf[i] < 0 && rows) {
      placed.pointers.push_back(input.size() ? const_cast<char *>(input.data<char>()) : nullptr);
      continue;
    }
    if (outputOf[i] < 0) {
      mx::array copy(input.shape(), input.dtype(), nullptr, {});
      copy.set_data(mx::allocator::malloc(input.nbytes()));
      placed.pointers.push_back(copy.data<char>());
      placed.copyInto(input, copy.data<char>());
      placed.temporaries.push_back(std::move(copy));
      continue;
    }
    mx::array &result = outputs[outputOf[i]];
    // The input may have other readers, so the kernel stores to its buffer only if no one else has it.
    if (rows && input.is_donatable()) {
      result.copy_shared_buffer(input);
      placed.pointers.push_back(result.size() ? result.data<char>() : nullptr);
      ++counters.donatedBuffers;
      continue;
    }
    result.set_data(mx::allocator::malloc(result.nbytes()));
    placed.pointers.push_back(result.data<char>());
    placed.copyInto(input, result.data<char>());
    ++counters.bufferCopies;
  }
  return placed;
}

} // namespace

void LaunchPrimitive::eval_gpu(const std::vector<mx::array> &, std::vector<mx::array> &) {
  throw Error(ErrorKind::Unsupported, "[" + launch.variant->kernel.name +
                                          "] A Metal kernel in MLX's graph runs on MLX's CPU stream here.");
}

void LaunchPrimitive::eval_cpu(const std::vector<mx::array> &inputs, std::vector<mx::array> &outputs) {
  // The stream's thread does the work; this only assigns memory.
  std::vector<int> outputOf(inputs.size(), -1);
  for (size_t k = 0; k < launch.storedInputs.size(); ++k)
    outputOf[launch.storedInputs[k]] = static_cast<int>(k);
  struct Kept { // kept alive until the launch is done
    Placement placed;
    BoundLaunch bound;
    Kept(Placement placed, const Description &launch)
        : placed(std::move(placed)), bound(launch.variant, *launch.device, launch.grid) {}
  };
  auto kept = std::make_shared<Kept>(place(inputs, outputs, outputOf, *launch.counters), launch);
  auto &encoder = mx::cpu::get_command_encoder(stream());
  if (!kept->placed.copies.empty())
    encoder.dispatch([kept] {
      for (const Copy &copy : kept->placed.copies)
        copy.run();
    });
  BoundLaunch &bound = kept->bound;
  for (size_t p = 0; p < launch.inputOfParameter.size(); ++p)
    if (int input = launch.inputOfParameter[p]; input >= 0) {
      bound.setPointer(p, {kept->placed.pointers[input], inputs[input].nbytes(), 0, outputOf[input] >= 0});
      if (bound.wantsReaches())
        bound.addReach({0, static_cast<int64_t>(inputs[input].nbytes())});
    }
  bound.setScalars(launch.scalars.data());
  ForeignQueue streamOfMlx;
  streamOfMlx.dispatch = [&encoder](std::function<void()> task) { encoder.dispatch(std::move(task)); };
  std::shared_ptr<Queue> queue = launch.device->queueOn(streamOfMlx);
  std::vector<Ticket> tickets = bound.submit(*queue, kept);
  if (launch.variant->reports()) {
    // Waits, so that reports and failures of the kernel reach the caller of eval on the same thread.
    bound.finish(tickets, launch.output);
    return;
  }
  // The task throws errors, so that MLX's stream reports them to whoever waits for the arrays.
  for (const Ticket &ticket : tickets)
    if (ticket)
      ticket->then([](std::exception_ptr error) {
        if (error)
          std::rethrow_exception(error);
      });
}

} // namespace tmetal
