// What each encoding of blocks costs, and what it saves, by content.
//
//   codec_bench --bytes N --content zero|text|random|process|image --pid PID --image FILE --changed N
//               --codecs NAME,...
//
// One thread encodes the pages block by block into a buffer, and decodes them from there into memory that is there
// already; memcpy of the pages into the same buffer stands beside it. A block may take 95 % of its pages, as in the
// engine's sender: beyond that it goes raw, and counts with its full size. An encoding that needs a base has pages
// beside it in which --changed bytes differ, in words of 8 bytes at places that follow from a seed. Afterwards every
// decoded page is compared.
//
// Of a process and of an image the pages that are zero are taken out first, as the sender does: no codec sees them.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/block_codec.h"
#include "codec/zero_page.h"
#include "image/image_file.h"
#include "measure.h"
#include "workload/captured_fill.h"
#include "workload/guest_words.h"
#include "workload/page_content.h"
#include "workload/rng.h"

namespace {

using namespace pageferry;
using namespace pageferry::bench;

constexpr std::size_t kRounds = 3;
// A pass that takes longer is not repeated.
constexpr double kLongSeconds = 1;
constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kMostPercent = 95;
constexpr std::uint64_t kDefaultBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kDefaultChanged = 64;

// The number behind the x is of pages in a block.
struct Codec {
  std::string_view name;
  Encoding encoding;
  int level;
  std::uint64_t block_pages;
};

constexpr std::array kCodecs = {
    Codec{"wkdm64-x16", Encoding::kWkdm64, 1, 16},
    Codec{"wkdm32-x16", Encoding::kWkdm32, 1, 16},
    Codec{"sparse-x16", Encoding::kSparse, 1, 16},
    Codec{"lz4-x1", Encoding::kLz4, 1, 1},
    Codec{"lz4-x16", Encoding::kLz4, 1, 16},
    Codec{"zstd-1-x1", Encoding::kZstd, 1, 1},
    Codec{"zstd-1-x16", Encoding::kZstd, 1, 16},
    Codec{"zstd-3-x64", Encoding::kZstd, 3, 64},
    Codec{"zstd-9-x64", Encoding::kZstd, 9, 64},
    Codec{"zstd-delta-x16", Encoding::kZstdDelta, 1, 16},
    Codec{"lz4-delta-x16", Encoding::kLz4Delta, 1, 16},
    Codec{"xbzrle-x16", Encoding::kXbzrle, 1, 16},
};

std::shared_ptr<GuestMemory> populated_memory(std::uint64_t bytes) {
  auto created = GuestMemory::create_shared({bytes});
  check(created.status(), "memory");
  check(created.value()->prefault(), "prefault");
  return created.value();
}

std::shared_ptr<const ImageFile> open_image(const Options& options) {
  const std::string path = options.text("image", "");
  if (path.empty()) fail("the content image needs --image");
  auto image = ImageFile::open(path);
  check(image.status(), "--image " + path);
  check(image.value()->check_contents(), "--image " + path);
  return image.value();
}

void render(const GuestMemory& memory, const std::string& content) {
  const auto kind = content == "zero"     ? FillKind::kZero
                    : content == "text"   ? FillKind::kText
                    : content == "random" ? FillKind::kRandom
                                          : FillKind::kFile;
  if (kind == FillKind::kFile) {
    fail("no content is called '" + content + "'; there are zero, text, random, process and image");
  }
  for (PageIndex page = 0; page < memory.page_count(); ++page) {
    render_page(kind, kSeed, page, memory.engine_page(page));
  }
}

std::span<const std::byte> page_of(const GuestMemory& memory, PageIndex page) {
  return {memory.engine_page(page), kPageBytes};
}

// Moves the pages that hold something to the front, in order, and answers how many there are.
std::uint64_t without_zero_pages(const GuestMemory& memory) {
  std::uint64_t kept = 0;
  for (PageIndex page = 0; page < memory.page_count(); ++page) {
    if (is_zero_page(page_of(memory, page))) continue;
    if (kept != page) std::memcpy(memory.engine_page(kept), memory.engine_page(page), kPageBytes);
    ++kept;
  }
  if (kept == 0) fail("it holds nothing but zero pages");
  return kept;
}

struct Content {
  std::shared_ptr<GuestMemory> memory;
  std::uint64_t pages;  // of it, from the first on
};

Content content_of(const Options& options) {
  const std::string content = options.text("content", "text");
  if (content == "image") {
    const auto image = open_image(options);
    const auto memory = populated_memory(options.bytes(image->pages() * kPageBytes));
    check(fill_from_image(*memory, {0, memory->page_count()}, *image).status(), "content");
    return {memory, without_zero_pages(*memory)};
  }
  const auto memory = populated_memory(options.bytes(kDefaultBytes));
  const PageRange all = {0, memory->page_count()};
  if (content == "process") {
    const std::uint64_t pid = options.number("pid", 0);
    if (pid > std::numeric_limits<int>::max()) fail("--pid is no process id");
    check(fill_from_process(*memory, all, static_cast<int>(pid)).status(), "content");
    return {memory, without_zero_pages(*memory)};
  }
  render(*memory, content);
  return {memory, all.count};
}

// The same pages before so many bytes of each were changed.
std::shared_ptr<GuestMemory> earlier(const Content& content, std::uint64_t changed_bytes) {
  const auto memory = populated_memory(content.pages * kPageBytes);
  Rng rng(kSeed);
  std::array<std::uint16_t, kPageBytes / kWordBytes> places;
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::uint16_t>(i);
  for (PageIndex page = 0; page < content.pages; ++page) {
    std::byte* bytes = memory->engine_page(page);
    std::memcpy(bytes, content.memory->engine_page(page), kPageBytes);
    for (std::uint64_t i = 0; i < changed_bytes / kWordBytes; ++i) {
      // The first places are a choice of different ones.
      std::swap(places[i], places[i + rng.below(places.size() - i)]);
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + places[i] * kWordBytes, kWordBytes);
      word ^= rng.next() | 0x0101010101010101;  // no byte of it stays as it is
      std::memcpy(bytes + places[i] * kWordBytes, &word, kWordBytes);
    }
  }
  return memory;
}

class Bench {
 public:
  Bench(const Content& content, std::uint64_t changed_bytes)
      : memory_(content.memory),
        pages_(content.pages),
        base_(earlier(content, changed_bytes)),
        encoded_(populated_memory(pages_ * kPageBytes)),
        decoded_(populated_memory(pages_ * kPageBytes)) {}

  double bytes() const { return static_cast<double>(pages_ * kPageBytes); }

  double memcpy_seconds() {
    return median_seconds([&] {
      for (PageIndex page = 0; page < pages_; ++page) {
        std::memcpy(encoded_->engine_page(page), memory_->engine_page(page), kPageBytes);
      }
    });
  }

  double read_seconds() {
    return median_seconds([&] {
      for (PageIndex page = 0; page < pages_; ++page) seen_ = seen_ | any_bit(page);
    });
  }

  double zero_check_seconds() {
    return median_seconds([&] {
      for (PageIndex page = 0; page < pages_; ++page) {
        seen_ = seen_ | static_cast<std::uint64_t>(is_zero_page(page_of(*memory_, page)));
      }
    });
  }

  std::string figures(const Codec& codec) {
    const auto encoder = make_block_encoder(codec.encoding);
    const auto decoder = make_block_decoder(codec.encoding);
    lengths_.assign((pages_ + codec.block_pages - 1) / codec.block_pages, std::nullopt);
    const double encode = median_seconds([&] { encode_all(codec, *encoder); });
    std::uint64_t pages = 0;
    std::uint64_t bytes_out = 0;
    for_each_block(codec, [&](std::size_t block, PageRange members) {
      if (lengths_[block].has_value()) pages += members.count;
      bytes_out += lengths_[block].value_or(members.count * kPageBytes);
    });
    std::string decode = "null";
    if (pages > 0) {
      const double took = median_seconds([&] { decode_all(codec, *decoder); });
      compare(codec);
      const auto decoded = static_cast<double>(pages * kPageBytes);
      decode = "{" + member("gbPerSecond", decoded / took / 1e9) + "}";
    }
    return "{" + member("encodeGbPerSecond", bytes() / encode / 1e9) + ", \"decode\": " + decode +
           ", " + member("outPerIn", static_cast<double>(bytes_out) / bytes()) + ", " +
           member("encodedPages", static_cast<double>(pages)) + "}";
  }

 private:
  template <class Visit>
  void for_each_block(const Codec& codec, Visit visit) const {
    for (std::size_t block = 0; block * codec.block_pages < pages_; ++block) {
      const PageIndex first = block * codec.block_pages;
      visit(block, PageRange{first, std::min(codec.block_pages, pages_ - first)});
    }
  }

  // The median of some rounds, after one that does not count; of what takes long that one.
  template <class Work>
  static double median_seconds(Work work) {
    const double first = seconds(work);
    if (first > kLongSeconds) return first;
    std::vector<double> took;
    for (std::size_t i = 0; i < kRounds; ++i) took.push_back(seconds(work));
    return median(took);
  }

  std::uint64_t any_bit(PageIndex page) const {
    using Words = std::uint64_t __attribute__((vector_size(16)));
    const auto* words = reinterpret_cast<const Words*>(memory_->engine_page(page));
    // Four accumulators, so that no step waits for the one before it.
    std::array<Words, 4> any = {};
    for (std::size_t i = 0; i < kPageBytes / sizeof(Words); i += any.size()) {
      for (std::size_t j = 0; j < any.size(); ++j) any[j] |= words[i + j];
    }
    const Words all = any[0] | any[1] | any[2] | any[3];
    return all[0] | all[1];
  }

  static std::span<std::byte> bytes_of(const GuestMemory& memory, PageRange pages) {
    return {memory.engine_page(pages.first), pages.count * kPageBytes};
  }

  std::span<const std::byte> base_of(const Codec& codec, PageRange pages) const {
    if (!needs_base(codec.encoding)) return {};
    return bytes_of(*base_, pages);
  }

  void encode_all(const Codec& codec, BlockEncoder& encoder) {
    for_each_block(codec, [&](std::size_t block, PageRange members) {
      const auto out = bytes_of(*encoded_, members);
      lengths_[block] = encoder.encode(bytes_of(*memory_, members), base_of(codec, members),
                                       codec.level, out.first(out.size() * kMostPercent / 100));
    });
  }

  void decode_all(const Codec& codec, BlockDecoder& decoder) const {
    for_each_block(codec, [&](std::size_t block, PageRange members) {
      if (!lengths_[block].has_value()) return;
      check(decoder.decode(bytes_of(*encoded_, members).first(*lengths_[block]),
                           base_of(codec, members), bytes_of(*decoded_, members)),
            "decode");
    });
  }

  void compare(const Codec& codec) const {
    for_each_block(codec, [&](std::size_t block, PageRange members) {
      if (!lengths_[block].has_value()) return;
      if (std::ranges::equal(bytes_of(*decoded_, members), bytes_of(*memory_, members))) return;
      fail(std::string(codec.name) + ": the block of page " + std::to_string(members.first) +
           " came back with other content");
    });
  }

  const std::shared_ptr<GuestMemory> memory_;
  const std::uint64_t pages_;
  const std::shared_ptr<GuestMemory> base_;
  const std::shared_ptr<GuestMemory> encoded_;
  const std::shared_ptr<GuestMemory> decoded_;
  std::vector<std::optional<std::size_t>> lengths_;  // of each block of the codec under way
  volatile std::uint64_t seen_ = 0;                  // so that what was read is of use
};

std::vector<Codec> chosen_codecs(const Options& options) {
  const std::string names = options.text("codecs", "");
  if (names.empty()) return {kCodecs.begin(), kCodecs.end()};
  std::vector<Codec> chosen;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    const std::string_view name = std::string_view(names).substr(begin, end - begin);
    const auto* found = std::ranges::find(kCodecs, name, &Codec::name);
    if (found == kCodecs.end()) {
      std::string known;
      for (const Codec& codec : kCodecs) known.append(" ").append(codec.name);
      fail("no codec is called '" + std::string(name) + "'; there are" + known);
    }
    chosen.push_back(*found);
    begin = end + 1;
  }
  return chosen;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv, {"bytes", "content", "pid", "image", "changed", "codecs"});
  const std::vector<Codec> codecs = chosen_codecs(options);
  const std::uint64_t changed = options.number("changed", kDefaultChanged, kWordBytes);
  if (changed > kPageBytes || changed % kWordBytes != 0) {
    fail("--changed must be a multiple of 8, at most 4096");
  }
  Bench bench(content_of(options), changed);
  const auto rate = [&](double seconds) { return bench.bytes() / seconds / 1e9; };
  const double copied = rate(bench.memcpy_seconds());
  const double read = rate(bench.read_seconds());
  const double checked = rate(bench.zero_check_seconds());
  std::string figures;
  for (const Codec& codec : codecs) {
    figures += figures.empty() ? "" : ", ";
    figures += "\"" + std::string(codec.name) + "\": " + bench.figures(codec);
  }
  std::printf("{\"bytes\": %.0f, %s, %s, %s, \"codecs\": {%s}}\n", bench.bytes(),
              member("memcpyGbPerSecond", copied).c_str(), member("readGbPerSecond", read).c_str(),
              member("zeroCheckGbPerSecond", checked).c_str(), figures.c_str());
}
