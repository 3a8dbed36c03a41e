// GPT-2's ids of a text through the C API, one thread: what the kernel does without Node. Prints one JSON line as
// test/bench/tokenize-once.mjs does: MB/s of processor time cold (a fresh tokenizer, which has built its tables) and
// warm (the same text again), the number of ids, peak memory in MB.
//
//   tokenize-bench VOCAB_JSON MERGES FILE
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "millrace/tokenizer.h"

namespace {

// Texts come in blocks, as stages give them.
constexpr size_t kBlockBytes = size_t{4} << 20;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

const uint8_t* bytes_of(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Paragraphs of about kBlockBytes, and where they end.
struct Block {
  std::string text;
  std::vector<uint32_t> offsets = {0};
};

std::vector<Block> blocks_of(const std::string& text) {
  std::vector<Block> blocks(1);
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find("\n\n", begin), text.size());
    if (blocks.back().text.size() >= kBlockBytes) blocks.emplace_back();
    blocks.back().text.append(text, begin, end - begin);
    blocks.back().offsets.push_back(static_cast<uint32_t>(blocks.back().text.size()));
    begin = end + 2;
  }
  return blocks;
}

size_t encode(mr_tokenizer* tokenizer, const std::vector<Block>& blocks) {
  size_t total = 0;
  for (const Block& block : blocks) {
    std::vector<uint32_t> id_offsets(block.offsets.size());
    const int32_t* ids = nullptr;
    size_t num_ids = 0;
    if (mr_tokenizer_encode(tokenizer, bytes_of(block.text), block.text.size(), block.offsets.data(),
                            block.offsets.size() - 1, &ids, &num_ids, id_offsets.data()) != MR_OK) {
      return 0;
    }
    total += num_ids;
  }
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "expected VOCAB_JSON MERGES FILE\n");
    return 2;
  }
  const std::string vocab = read_file(argv[1]);
  const std::string merges = read_file(argv[2]);
  const std::string text = read_file(argv[3]);
  const std::vector<Block> blocks = blocks_of(text);
  mr_tokenizer* tokenizer = nullptr;
  if (mr_tokenizer_create_bpe(bytes_of(vocab), vocab.size(), bytes_of(merges), merges.size(), &tokenizer) != MR_OK) {
    std::fprintf(stderr, "%s\n", mr_last_error());
    return 1;
  }
  double rates[2];
  size_t num_ids = 0;
  for (double& rate : rates) {
    const double began = processor_seconds();
    num_ids = encode(tokenizer, blocks);
    rate = static_cast<double>(text.size()) / 1e6 / (processor_seconds() - began);
  }
  mr_tokenizer_destroy(tokenizer);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"cold\":%.3f,\"warm\":%.3f,\"ids\":%zu,\"peakMegabytes\":%.1f}\n", rates[0], rates[1], num_ids,
              static_cast<double>(usage.ru_maxrss) / 1e3);
  return 0;
}
