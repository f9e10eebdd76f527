#include "os/core_affinity.h"

namespace pageferry {

namespace {

constexpr pid_t kThisThread = 0;

}  // namespace

CoreAffinity::CoreAffinity(std::size_t number) {
  cpu_set_t allowed;
  if (::sched_getaffinity(kThisThread, sizeof(allowed), &allowed) != 0) return;
  std::size_t skip = number % static_cast<std::size_t>(CPU_COUNT(&allowed));
  int core = 0;
  while (!CPU_ISSET(core, &allowed) || skip-- > 0) ++core;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  if (::sched_setaffinity(kThisThread, sizeof(one), &one) == 0) before_ = allowed;
}

CoreAffinity::~CoreAffinity() {
  if (before_.has_value()) ::sched_setaffinity(kThisThread, sizeof(*before_), &*before_);
}

}  // namespace pageferry
