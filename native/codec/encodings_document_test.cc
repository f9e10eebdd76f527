// The examples of docs/encodings.md: what the document says of their bytes is what the decoders make of them.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "codec/block_test_util.h"

namespace pageferry {
namespace {

using namespace testing;

struct Example {
  std::string section;
  std::size_t line = 0;  // where its block begins
  std::map<std::string, Bytes> fields;
};

std::filesystem::path document() {
  const auto native = std::filesystem::path(__FILE__).parent_path().parent_path();
  return native.parent_path() / "docs" / "encodings.md";
}

// Such as "00 10 46×4096": the rest of a line.
Bytes read_bytes(std::istream& text) {
  static const std::string times = "×";
  Bytes bytes;
  for (std::string word; text >> word;) {
    const auto at = word.find(times);
    const std::size_t count =
        at == std::string::npos ? 1 : std::stoul(word.substr(at + times.size()));
    bytes.insert(bytes.end(), count, static_cast<std::byte>(std::stoul(word, nullptr, 16)));
  }
  return bytes;
}

// Of each block of the document with a line "encoding".
std::vector<Example> examples() {
  std::ifstream file(document());
  EXPECT_TRUE(file.good()) << document();
  std::vector<Example> all;
  Example example;
  bool in_block = false;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.starts_with("## ")) example.section = line.substr(3);
    if (line.starts_with("```")) {
      in_block = !in_block;
      if (example.fields.contains("encoding")) all.push_back(example);
      example.fields.clear();
      example.line = number;
    } else if (in_block) {
      std::istringstream text(line);
      std::string field;
      text >> field;
      if (field == "base" || field == "pages" || field == "encoding") {
        example.fields[field] = read_bytes(text);
      }
    }
  }
  return all;
}

TEST(EncodingsDocument, HasExamplesThatDecodeAsItSays) {
  std::map<std::string, int> of_section;
  for (const Example& example : examples()) {
    for (const Encoding encoding : encodings_that_are_there()) {
      if (name_of(encoding) != example.section) continue;
      ++of_section[example.section];
      const Bytes& pages = example.fields.at("pages");
      const Bytes base = needs_base(encoding) ? example.fields.at("base") : Bytes();
      Bytes decoded(pages.size(), std::byte{0xaa});
      const Status status =
          make_block_decoder(encoding)->decode(example.fields.at("encoding"), base, decoded);
      EXPECT_TRUE(status.ok()) << "line " << example.line << ": " << status.message();
      EXPECT_TRUE(decoded == pages) << "line " << example.line;
    }
  }
  // The others have examples of another form, which the tests of their codecs read.
  for (const Encoding encoding :
       {Encoding::kLz4, Encoding::kZstd, Encoding::kZstdDelta, Encoding::kLz4Delta}) {
    EXPECT_GE(of_section[name_of(encoding)], 1) << name_of(encoding);
  }
}

}  // namespace
}  // namespace pageferry
