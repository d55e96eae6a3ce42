// Any LZ4 frames, one after the other, as a stream: liblz4's own decoder, for files that other programs made.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "status.h"

struct LZ4F_dctx_s;

namespace diskferry::lz4 {

class FrameDecoder {
 public:
  FrameDecoder();

  struct Step {
    size_t takenBytes = 0;  // of the input
    size_t madeBytes = 0;   // of the output
  };
  // Unpacks as much as the room allows. IMAGE_DAMAGED when it is no LZ4 frame or its checksums differ.
  Result<Step> decode(std::span<const std::byte> input, std::span<std::byte> into);
  // Between two frames: where an input may end.
  bool isAtEnd() const { return isAtEnd_; }

 private:
  struct Free {
    void operator()(LZ4F_dctx_s* context) const;
  };
  std::unique_ptr<LZ4F_dctx_s, Free> context_;
  bool isAtEnd_ = true;
};

}  // namespace diskferry::lz4
