// A SharedArrayBuffer over guest memory: the only file that uses V8's own API.
//
// An ArrayBuffer would not do. Posted to a Worker it is copied, by Node 20 without an error even when it is
// in the transfer list, and the Worker would write into its copy (docs/decisions/0027).
#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "region/guest_memory.h"

namespace pageferry::napi {

// `data` and `bytes` lie within the memory, which lives for as long as any thread has the buffer. Throws
// where JavaScript cannot have memory of ours.
Napi::Value make_shared_window(Napi::Env env, std::shared_ptr<GuestMemory> memory, void* data,
                               std::size_t bytes);

}  // namespace pageferry::napi
