// What each page codec costs, and what it saves, by content.
//
//   codec_bench --bytes N --content zero|text|random|process --pid PID
//
// One thread encodes the pages one by one into a buffer, and decodes them from there into memory that is
// there already; memcpy of the pages into the same buffer, one by one, stands beside it. A codec may use
// one byte less than a page, as the engine's sender lets it: beyond that the page goes raw, and counts
// with its full size. Afterwards every decoded page is compared.
#include <sys/mman.h>

#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codec/page_codec.h"
#include "measure.h"
#include "workload/captured_fill.h"
#include "workload/page_content.h"

namespace {

using namespace pageferry;
using namespace pageferry::bench;

constexpr std::size_t kRounds = 3;
constexpr std::uint64_t kSeed = 1;

std::shared_ptr<GuestMemory> populated_memory(std::uint64_t bytes) {
  auto created = GuestMemory::create_shared({bytes});
  check(created.status(), "memory");
  check(created.value()->prefault(), "prefault");
  return created.value();
}

void fill(const GuestMemory& memory, const Options& options) {
  const std::string content = options.text("content", "text");
  const PageRange all = {0, memory.page_count()};
  if (content == "process") {
    const std::uint64_t pid = options.number("pid", 0);
    if (pid > std::numeric_limits<int>::max()) fail("--pid is no process id");
    check(fill_from_process(memory, all, static_cast<int>(pid)).status(), "content");
    return;
  }
  const auto kind = content == "zero"     ? FillKind::kZero
                    : content == "text"   ? FillKind::kText
                    : content == "random" ? FillKind::kRandom
                                          : FillKind::kFile;
  if (kind == FillKind::kFile) {
    fail("no content is called '" + content + "'; there are zero, text, random and process");
  }
  for (PageIndex page = 0; page < memory.page_count(); ++page) {
    render_page(kind, kSeed, page, memory.engine_page(page));
  }
}

class Bench {
 public:
  explicit Bench(std::shared_ptr<GuestMemory> memory)
      : memory_(std::move(memory)),
        encoded_(populated_memory(memory_->bytes())),
        decoded_(populated_memory(memory_->bytes())),
        lengths_(memory_->page_count()) {}

  double memcpy_seconds() {
    return median_seconds([&] {
      for_each_page([&](PageIndex page) {
        std::memcpy(encoded_->engine_page(page), memory_->engine_page(page), kPageBytes);
      });
    });
  }

  std::string figures(const PageCodec& codec) {
    const double encode = median_seconds([&] { encode_all(codec); });
    std::uint64_t pages = 0;
    std::uint64_t bytes = 0;
    for (const auto& length : lengths_) {
      if (length.has_value()) ++pages;
      bytes += length.value_or(kPageBytes);
    }
    const auto total = static_cast<double>(memory_->bytes());
    std::string decode = "null";
    if (pages > 0) {
      const double took = median_seconds([&] { decode_all(codec); });
      compare(codec);
      const double decoded = static_cast<double>(pages * kPageBytes);
      decode = "{" + member("gbPerSecond", decoded / took / 1e9) + "}";
    }
    return "{" + member("encodeGbPerSecond", total / encode / 1e9) + ", \"decode\": " + decode +
           ", " + member("outPerIn", static_cast<double>(bytes) / total) + ", " +
           member("encodedPages", static_cast<double>(pages)) + "}";
  }

 private:
  template <class Visit>
  void for_each_page(Visit visit) const {
    for (PageIndex page = 0; page < memory_->page_count(); ++page) visit(page);
  }

  // The median of some rounds, after one that does not count.
  template <class Work>
  static double median_seconds(Work work) {
    work();
    std::vector<double> took;
    for (std::size_t i = 0; i < kRounds; ++i) took.push_back(seconds(work));
    return median(took);
  }

  void encode_all(const PageCodec& codec) {
    // Raw takes a whole page; every other codec only pays when it takes less.
    const std::size_t room = codec.id() == PageCodecId::kRaw ? kPageBytes : kPageBytes - 1;
    for_each_page([&](PageIndex page) {
      lengths_[page] = codec.encode({memory_->engine_page(page), kPageBytes},
                                    {encoded_->engine_page(page), room});
    });
  }

  void decode_all(const PageCodec& codec) const {
    for_each_page([&](PageIndex page) {
      if (!lengths_[page].has_value()) return;
      check(codec.decode({encoded_->engine_page(page), *lengths_[page]},
                         {decoded_->engine_page(page), kPageBytes}),
            "decode");
    });
  }

  void compare(const PageCodec& codec) const {
    for_each_page([&](PageIndex page) {
      if (!lengths_[page].has_value()) return;
      if (std::memcmp(decoded_->engine_page(page), memory_->engine_page(page), kPageBytes) == 0) {
        return;
      }
      fail(std::string(codec.name()) + ": page " + std::to_string(page) +
           " came back with other content");
    });
  }

  const std::shared_ptr<GuestMemory> memory_;
  const std::shared_ptr<GuestMemory> encoded_;
  const std::shared_ptr<GuestMemory> decoded_;
  std::vector<std::optional<std::size_t>> lengths_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv, {"bytes", "content", "pid"});
  const auto memory = populated_memory(options.bytes(std::uint64_t{64} << 20));
  fill(*memory, options);
  Bench bench(memory);
  const double copied = static_cast<double>(memory->bytes()) / bench.memcpy_seconds() / 1e9;
  std::string codecs;
  for (unsigned id = 0; id <= std::numeric_limits<std::uint8_t>::max(); ++id) {
    const PageCodec* codec = find_page_codec(static_cast<PageCodecId>(id));
    if (codec == nullptr) continue;
    codecs += codecs.empty() ? "" : ", ";
    codecs += "\"" + std::string(codec->name()) + "\": " + bench.figures(*codec);
  }
  std::printf("{\"bytes\": %llu, %s, \"codecs\": {%s}}\n",
              static_cast<unsigned long long>(memory->bytes()),
              member("memcpyGbPerSecond", copied).c_str(), codecs.c_str());
}
