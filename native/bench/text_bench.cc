// text-bench: the text kernels of dedup without Node, on the documents of a JSONL file, one core. For each SIMD level
// of the processor the best of several rounds, in megabytes (10^6 bytes) of text a second; line scan and the whole of
// reading and signing in megabytes of the file.
//
//   text-bench FILE.jsonl --simd all|auto|scalar|avx2|avx512 --megabytes N --rounds N --output text|json
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "text/jaccard.h"
#include "text/line_scan.h"
#include "text/sign_lines.h"
#include "text/signer.h"
#include "text/words.h"

namespace {

using millrace::SimdLevel;

const std::map<std::string, SimdLevel> kLevels = {
    {"scalar", SimdLevel::kScalar}, {"avx2", SimdLevel::kAvx2}, {"avx512", SimdLevel::kAvx512}};

struct Result {
  std::string level;
  std::string kernel;
  double rate;
  const char* unit;
};

struct Options {
  std::map<std::string, std::string> values = {
      {"simd", "all"}, {"megabytes", "32"}, {"rounds", "5"}, {"output", "text"}};

  bool parse(int count, char** arguments) {
    for (int i = 2; i + 1 < count; i += 2) {
      const std::string name = arguments[i];
      if (name.rfind("--", 0) != 0 || values.count(name.substr(2)) == 0) {
        std::fprintf(stderr, "expected an option of text-bench, got %s\n", arguments[i]);
        return false;
      }
      values[name.substr(2)] = arguments[i + 1];
    }
    if (count >= 2 && count % 2 == 0) return true;
    std::fprintf(stderr, "expected a JSONL file and options with a value each\n");
    return false;
  }
  // Ends the program when the value is not a number: a bench that measures something else is worse than none.
  int number(const char* name) const {
    char* end = nullptr;
    const long value = std::strtol(values.at(name).c_str(), &end, 10);
    if (value >= 1 && *end == '\0') return static_cast<int>(value);
    std::fprintf(stderr, "expected a number of at least 1 for --%s, got %s\n", name, values.at(name).c_str());
    std::exit(2);
  }
};

// The first whole lines of the file, up to so many bytes.
bool read_lines(const char* path, size_t limit, std::vector<uint8_t>* out) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return false;
  out->resize(limit);
  out->resize(std::fread(out->data(), 1, limit, file));
  std::fclose(file);
  if (out->size() == limit) {
    while (!out->empty() && out->back() != '\n') out->pop_back();
  }
  return !out->empty();
}

class Ignored : public millrace::RecordVisitor, public millrace::ShingleSink {
 public:
  void visit(const millrace::Record&) override {}
  void begin_document() override {}
  void add_shingles(const uint64_t*, size_t) override {}
};

class Bench {
 public:
  Bench(const std::vector<uint8_t>& lines, int rounds) : lines_(lines), rounds_(rounds) {
    scan_.text_field = "text";
    scan_.id_field = "id";
    scan_.source_field = "source";
    const millrace::Status status = millrace::scan_jsonl(lines.data(), lines.size(), scan_, &block_);
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  }

  size_t num_documents() const { return block_.num_documents(); }
  double text_megabytes() const { return static_cast<double>(block_.text.size()) * 1e-6; }
  const std::vector<Result>& results() const { return results_; }

  void run(const std::string& name, SimdLevel level) {
    const double line_megabytes = static_cast<double>(lines_.size()) * 1e-6;
    Ignored ignored;
    millrace::WordSplitter splitter(level);
    millrace::Shingler shingler({}, level);
    millrace::ShingleSet set;
    const auto each_text = [&](auto use) {
      for (size_t i = 0; i < num_documents(); ++i) use(text_of(i));
    };
    measure(name, "line scan", line_megabytes, "MB/s", [&] {
      millrace::ScannedRows rows;
      static_cast<void>(millrace::scan_lines(lines_.data(), lines_.size(), scan_, &rows, ignored));
    });
    measure(name, "fold and split", text_megabytes(), "MB/s",
            [&] { each_text([&](auto text) { split(splitter, text); }); });
    measure(name, "shingles", text_megabytes(), "MB/s",
            [&] { each_text([&](auto text) { shingler.shingle(text, ignored); }); });
    for (const millrace::BandConfig bands : {millrace::BandConfig{32, 4, 0}, {30, 5, 0}, {32, 8, 0}}) {
      millrace::Signer signer({{}, bands, level});
      measure(name, "signatures, " + std::to_string(bands.num_bands * bands.num_rows) + " permutations",
              text_megabytes(), "MB/s", [&] { each_text([&](auto text) { signer.sign(text); }); });
    }
    measure(name, "read and sign, 150 permutations", line_megabytes, "MB/s", [&] {
      millrace::SignedLines out;
      static_cast<void>(millrace::sign_lines(lines_.data(), lines_.size(), scan_, {{}, {30, 5, 0}, level}, &out));
    });
    measure(name, "shingle sets", text_megabytes(), "MB/s", [&] {
      each_text([&](auto text) {
        shingler.shingle(text, set);
        set.finish();
      });
    });
  }

  // The same code on every level: neighbours in the file, and each with itself (nothing and all in common).
  void run_jaccard() {
    millrace::Shingler shingler({});
    millrace::ShingleSet set;
    millrace::ShingleSets sets;
    for (size_t i = 0; i < num_documents(); ++i) {
      shingler.shingle(text_of(i), set);
      if (!sets.add(set.finish()).ok()) return;
    }
    const auto set_of = [&](size_t i) {
      return std::span(sets.hashes.data() + sets.offsets[i], sets.offsets[i + 1] - sets.offsets[i]);
    };
    const auto pairs = static_cast<double>(num_documents());
    size_t sum = 0;
    measure("all", "exact Jaccard, other texts", pairs * 1e-6, "M pairs/s", [&] {
      for (size_t i = 0; i + 1 < num_documents(); ++i) sum += millrace::intersection_size(set_of(i), set_of(i + 1));
    });
    measure("all", "exact Jaccard, equal texts", pairs * 1e-6, "M pairs/s", [&] {
      for (size_t i = 0; i < num_documents(); ++i) sum += millrace::intersection_size(set_of(i), set_of(i));
    });
    if (sum == 0) std::fprintf(stderr, "expected sets with something in common\n");
  }

 private:
  std::string_view text_of(size_t i) const {
    return block_.text.view().substr(block_.text_offsets[i], block_.text_offsets[i + 1] - block_.text_offsets[i]);
  }

  static void split(millrace::WordSplitter& splitter, std::string_view text) {
    using Step = millrace::WordSplitter::Step;
    splitter.start(text);
    for (Step step = splitter.next(); step != Step::kEnd; step = splitter.next()) {
      if (step == Step::kNotComposed) splitter.compose();
    }
  }

  // `amount`: of one round, in the unit's numerator.
  void measure(const std::string& level, const std::string& kernel, double amount, const char* unit,
               const std::function<void()>& round) {
    double best = 1e300;
    for (int i = 0; i < rounds_; ++i) {
      const std::clock_t begin = std::clock();
      round();
      best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    results_.push_back({level, kernel, amount / best, unit});
  }

  const std::vector<uint8_t>& lines_;
  int rounds_;
  millrace::ScanOptions scan_;
  millrace::ScannedBlock block_;
  std::vector<Result> results_;
};

void print_json(const Bench& bench) {
  std::printf("{\"documents\":%zu,\"textMegabytes\":%.3f,\"results\":[", bench.num_documents(), bench.text_megabytes());
  const char* comma = "";
  for (const Result& result : bench.results()) {
    std::printf("%s\n{\"simd\":\"%s\",\"kernel\":\"%s\",\"rate\":%.4g,\"unit\":\"%s\"}", comma, result.level.c_str(),
                result.kernel.c_str(), result.rate, result.unit);
    comma = ",";
  }
  std::printf("]}\n");
}

void print_text(const Bench& bench) {
  std::printf("%zu documents, %.1f MB of text\n", bench.num_documents(), bench.text_megabytes());
  for (const Result& result : bench.results()) {
    std::printf("%-7s %-34s %9.4g %s\n", result.level.c_str(), result.kernel.c_str(), result.rate, result.unit);
  }
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!options.parse(count, arguments)) return 2;
  const std::string& simd = options.values["simd"];
  if (simd != "all" && simd != "auto" && kLevels.count(simd) == 0) {
    std::fprintf(stderr, "expected all, auto, scalar, avx2 or avx512 for --simd, got %s\n", simd.c_str());
    return 2;
  }
  std::vector<uint8_t> lines;
  if (!read_lines(arguments[1], static_cast<size_t>(options.number("megabytes")) * 1000000, &lines)) {
    std::fprintf(stderr, "expected whole lines in %s, found none\n", arguments[1]);
    return 1;
  }
  Bench bench(lines, options.number("rounds"));
  if (bench.num_documents() == 0) {
    std::fprintf(stderr, "expected documents with a text in %s, found none\n", arguments[1]);
    return 1;
  }
  for (const auto& [name, level] : kLevels) {
    const bool chosen = simd == "all" || simd == name || (simd == "auto" && level == millrace::best_simd_level());
    if (chosen && millrace::has_simd_level(level)) bench.run(name, level);
  }
  bench.run_jaccard();
  if (options.values["output"] == "json") {
    print_json(bench);
  } else {
    print_text(bench);
  }
  return 0;
}
