#include "os/native_thread.h"

#include <memory>

#include "os/contained.h"

namespace pageferry {

namespace {

using Body = std::function<void()>;

void* run_body(void* argument) noexcept {
  const std::unique_ptr<Body> body(static_cast<Body*>(argument));
  (*body)();
  return nullptr;
}

Status no_thread(const std::string& name, int error) {
  if (error != EAGAIN) return Status::from_errno("starting the thread " + name, error);
  return Status(
      StatusCode::kSystem,
      "this host has no thread left for " + name +
          ". Raise the limit of this user (ulimit -u), of its cgroup (pids.max) or of the "
          "host (kernel.threads-max)",
      error);
}

}  // namespace

Result<pthread_t> NativeThread::create(const std::string& name, Body body) {
  return contained([&]() -> Result<pthread_t> {
    auto owned = std::make_unique<Body>(std::move(body));
    pthread_t thread = {};
    const int error = pthread_create(&thread, nullptr, run_body, owned.get());
    if (error != 0) return no_thread(name, error);
    static_cast<void>(owned.release());  // The thread frees it.
    pthread_setname_np(thread, name.substr(0, 15).c_str());
    return thread;
  });
}

}  // namespace pageferry
