#include "lz4/frame_decoder.h"

#include <lz4frame.h>

#include <cstdlib>
#include <string>

namespace diskferry::lz4 {

FrameDecoder::FrameDecoder() {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) std::abort();
  context_.reset(context);
}

void FrameDecoder::Free::operator()(LZ4F_dctx_s* context) const { LZ4F_freeDecompressionContext(context); }

Result<FrameDecoder::Step> FrameDecoder::decode(std::span<const std::byte> input, std::span<std::byte> into) {
  size_t taken = input.size(), made = into.size();
  const size_t hint = LZ4F_decompress(context_.get(), into.data(), &made, input.data(), &taken, nullptr);
  if (LZ4F_isError(hint) != 0) return Status(ErrorCode::IMAGE_DAMAGED, std::string("LZ4: ") + LZ4F_getErrorName(hint));
  if (taken > 0 || made > 0) isAtEnd_ = hint == 0;
  return Step{taken, made};
}

}  // namespace diskferry::lz4
