#include "os/native_thread.h"

namespace pageferry {

namespace {

using Body = std::function<void()>;

void* run_body(void* argument) {
  const std::unique_ptr<Body> body(static_cast<Body*>(argument));
  (*body)();
  return nullptr;
}

Result<pthread_t> start_thread(const std::string& name, Body body) {
  auto owned = std::make_unique<Body>(std::move(body));
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, run_body, owned.get());
  if (error != 0) return Status::from_errno("starting thread " + name, error);
  owned.release();  // The thread frees it.
  pthread_setname_np(thread, name.substr(0, 15).c_str());
  return thread;
}

}  // namespace

Result<NativeThread> NativeThread::start(const std::string& name, Body body) {
  const auto thread = start_thread(name, std::move(body));
  if (!thread.ok()) return thread.status();
  return NativeThread(thread.value());
}

Status NativeThread::start_detached(const std::string& name, Body body) {
  const auto thread = start_thread(name, std::move(body));
  if (thread.ok()) pthread_detach(thread.value());
  return thread.status();
}

}  // namespace pageferry
