// One registration function a file of this folder: each adds its functions to `exports`.
#ifndef MILLRACE_ADDON_REGISTRATION_H_
#define MILLRACE_ADDON_REGISTRATION_H_

#include <napi.h>

#include "millrace/status.h"

namespace millrace::addon {

void register_read(Napi::Env env, Napi::Object exports);            // read.cc: line scan, JSON fields, normalisation
void register_dedup(Napi::Env env, Napi::Object exports);           // dedup.cc: shingles, MinHash, hashes of documents
void register_candidates(Napi::Env env, Napi::Object exports);      // candidates.cc: hashes to pairs, exact join
void register_sketch_join(Napi::Env env, Napi::Object exports);     // sketch_join.cc: pairs of a sample
void register_tokenizer(Napi::Env env, Napi::Object exports);       // tokenizer.cc: byte-level BPE
void register_sentence_piece(Napi::Env env, Napi::Object exports);  // sentence_piece.cc: SentencePiece models
void register_bpe_trainer(Napi::Env env, Napi::Object exports);     // bpe_trainer.cc: learning a vocabulary
void register_memory(Napi::Env env, Napi::Object exports);          // memory.cc: memory-mapped files
void register_trainer(Napi::Env env, Napi::Object exports);         // trainer.cc: the trainer's handle
void register_checkpoint(Napi::Env env, Napi::Object exports);      // checkpoint.cc: snapshots, checksums
void register_processes(Napi::Env env, Napi::Object exports);       // processes.cc: ranks as processes

// A JavaScript Error with the C API's last message and `code` ("native-invalid-argument", "native-io", ...).
Napi::Error error_of(Napi::Env env, mr_code code, const char* message);

}  // namespace millrace::addon

#endif  // MILLRACE_ADDON_REGISTRATION_H_
