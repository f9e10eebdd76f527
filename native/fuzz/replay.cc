// Feeds a target the inputs that are kept for it:
//
//   NAME_fuzz FOLDER
//
// A finding ends the process, after its file has been named.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/target.h"

namespace {

using namespace pageferry::fuzzing;
namespace fs = std::filesystem;

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Input bytes = std::as_bytes(std::span(text));
  // Exactly as long as the input, so that ASan sees a read behind it.
  return {bytes.begin(), bytes.end()};
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none_there;
  for (const auto& entry : fs::directory_iterator(folder, none_there))
    files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
    return 2;
  }
  const auto files = files_in(arguments[1]);
  for (const fs::path& file : files) {
    std::fprintf(stderr, "%s\n", file.filename().c_str());
    fuzz(read_file(file));
  }
  std::printf("%zu inputs\n", files.size());
  return files.empty() ? 1 : 0;
}
