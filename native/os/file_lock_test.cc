#include "os/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>

#include "os/unique_fd.h"

namespace pageferry {
namespace {

TEST(FileLock, OneOpeningHoldsItUntilItIsClosed) {
  const UniqueFd file(memfd_create("lock", MFD_CLOEXEC));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  UniqueFd first(open(path.c_str(), O_RDWR | O_CLOEXEC));
  const UniqueFd second(open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(first.valid() && second.valid());
  EXPECT_TRUE(try_lock_file(first.get()).value());
  EXPECT_FALSE(try_lock_file(second.get()).value());
  first.reset();
  EXPECT_TRUE(try_lock_file(second.get()).value());
}

TEST(FileLock, DescriptorThatIsNotOpenIsAnError) {
  EXPECT_EQ(try_lock_file(-1).status().system_error(), EBADF);
}

}  // namespace
}  // namespace pageferry
