// Runs each piece of work at once, on a thread that does nothing else meanwhile, and keeps some threads
// for the next pieces: starting one takes longer than a short piece of work, and such pieces are run
// while a guest is paused.
//
// Thread contract: run from any thread. After destruction idle threads end at once and busy ones after
// their piece of work; nobody waits for them, since some wait for a peer.
#pragma once

#include <functional>
#include <memory>

#include "os/status.h"

namespace pageferry {

class KeptThreads {
 public:
  KeptThreads();
  ~KeptThreads();
  KeptThreads(const KeptThreads&) = delete;
  KeptThreads& operator=(const KeptThreads&) = delete;

  // Fails, and the work is not run, when the system has no thread left. The work throws nothing.
  Status run(std::function<void()> work);

 private:
  struct Shared;
  static void serve(Shared& shared, std::function<void()> work);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace pageferry
