// Functions without an object: what `pageferry pki` needs of OpenSSL and of the kernel.
#pragma once

#include <napi.h>

namespace pageferry::napi {

void init_pki(Napi::Env env, Napi::Object exports);

}  // namespace pageferry::napi
