// The Node-API module: registers what the other files of this folder define, nothing else. It keeps no state of its
// own, so it may be loaded in any number of worker threads.
#include "addon/registration.h"

namespace millrace::addon {

Napi::Error error_of(Napi::Env env, mr_code code, const char* message) {
  const char* name = "native-internal";
  switch (code) {
    case MR_OK:
    case MR_INTERNAL:
      break;
    case MR_INVALID_ARGUMENT:
      name = "native-invalid-argument";
      break;
    case MR_IO:
      name = "native-io";
      break;
    case MR_OUT_OF_MEMORY:
      name = "native-out-of-memory";
      break;
    case MR_COMM:
      name = "native-communicator";
      break;
    case MR_CORRUPT:
      name = "native-corrupt";
      break;
    case MR_DIVERGED:
      name = "native-diverged";
      break;
    case MR_NO_DEVICE:
      name = "native-no-device";
      break;
  }
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, name));
  return error;
}

Napi::Object register_all(Napi::Env env, Napi::Object exports) {
  register_read(env, exports);
  register_dedup(env, exports);
  register_candidates(env, exports);
  register_sketch_join(env, exports);
  register_tokenizer(env, exports);
  register_sentence_piece(env, exports);
  register_bpe_trainer(env, exports);
  register_memory(env, exports);
  register_trainer(env, exports);
  register_checkpoint(env, exports);
  register_processes(env, exports);
  return exports;
}

}  // namespace millrace::addon

static Napi::Object init(Napi::Env env, Napi::Object exports) { return millrace::addon::register_all(env, exports); }
NODE_API_MODULE(millrace, init)
