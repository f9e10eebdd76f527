// What libFuzzer calls.
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pageferry::fuzzing::fuzz(std::as_bytes(std::span(data, size)));
  return 0;
}
