// Keeps the calling thread on one core for as long as the object lives, then gives it back the cores it had.
//
// Best effort: where the system does not say or does not allow which cores, the thread stays free.
//
// Thread contract: made and destroyed on the thread that it keeps.
#pragma once

#include <sched.h>

#include <cstddef>
#include <optional>

namespace pageferry {

class CoreAffinity {
 public:
  // Of the cores that this thread may use, in order and round again, the one that comes `number`th from 0.
  explicit CoreAffinity(std::size_t number);
  CoreAffinity(const CoreAffinity&) = delete;
  CoreAffinity& operator=(const CoreAffinity&) = delete;
  ~CoreAffinity();

 private:
  std::optional<cpu_set_t> before_;  // none: the thread is free
};

}  // namespace pageferry
