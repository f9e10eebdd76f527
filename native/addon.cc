// Module init: registers every wrapper of native/napi and nothing else.
#include <napi.h>

#include "napi/capture_wrap.h"
#include "napi/connection_wrap.h"
#include "napi/control_stream_wrap.h"
#include "napi/credentials_wrap.h"
#include "napi/image_wrap.h"
#include "napi/inspect_wrap.h"
#include "napi/machine.h"
#include "napi/memory_wrap.h"
#include "napi/pki_wrap.h"
#include "napi/receive_wrap.h"
#include "napi/send_wrap.h"
#include "napi/trace_wrap.h"
#include "napi/workload_wrap.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace pageferry::napi;
  env.SetInstanceData(new Environment(env));
  PageSetWrap::init(env, exports);
  GuestMemoryWrap::init(env, exports);
  DirtyTrackerWrap::init(env, exports);
  CaptureFileWrap::init(env, exports);
  ConnectionWrap::init(env, exports);
  ControlStreamWrap::init(env, exports);
  CredentialsWrap::init(env, exports);
  GateWrap::init(env, exports);
  TokenBucketWrap::init(env, exports);
  ResidualSetWrap::init(env, exports);
  PageSenderWrap::init(env, exports);
  ArrivingMemoryWrap::init(env, exports);
  PageReceiverWrap::init(env, exports);
  PageServerWrap::init(env, exports);
  FaultHandlerWrap::init(env, exports);
  WorkloadWrap::init(env, exports);
  ProcessTraceWrap::init(env, exports);
  ProcessImageWrap::init(env, exports);
  ImageWrap::init(env, exports);
  init_machine(env, exports);
  init_pki(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(pageferry, init)
