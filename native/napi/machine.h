// Functions without an object: what this machine offers, the protocol's constants, single-page codecs.
#pragma once

#include <napi.h>

namespace pageferry::napi {

void init_machine(Napi::Env env, Napi::Object exports);

}  // namespace pageferry::napi
