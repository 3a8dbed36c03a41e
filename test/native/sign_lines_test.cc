// Reading and signing in one pass equals a scan and signing its texts, on every SIMD level; scores; sets of single
// records.
#include "text/sign_lines.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>

namespace millrace {
namespace {

ScanOptions options() {
  ScanOptions options;
  options.text_field = "text";
  options.id_field = "id";
  options.source_field = "source";
  options.score_field = "meta.score";
  options.source = "file";
  options.base_offset = 0;
  options.base_line = 7;
  options.max_document_bytes = 4000;
  return options;
}

constexpr BandConfig kBands{30, 5, 1};

std::unique_ptr<SignedLines> signed_lines(std::string_view text, SimdLevel level = best_simd_level()) {
  const std::vector<uint8_t> exact(text.begin(), text.end());
  auto lines = std::make_unique<SignedLines>();
  EXPECT_TRUE(sign_lines(exact.data(), exact.size(), options(), {Shingling{}, kBands, level}, lines.get()).ok());
  return lines;
}

std::unique_ptr<ScannedBlock> scanned(std::string_view text) {
  const std::vector<uint8_t> exact(text.begin(), text.end());
  auto block = std::make_unique<ScannedBlock>();
  EXPECT_TRUE(scan_jsonl(exact.data(), exact.size(), options(), block.get()).ok());
  return block;
}

SignedRows signed_texts(const ScannedBlock& block, SimdLevel level) {
  Signer signer({Shingling{}, kBands, level});
  SignedRows rows;
  for (size_t i = 0; i < block.num_documents(); ++i) {
    const std::string_view text = block.text.view();
    signer.sign(text.substr(block.text_offsets[i], block.text_offsets[i + 1] - block.text_offsets[i]));
    rows.add(signer, kBands.num_bands);
  }
  return rows;
}

bool equal(const SignedRows& a, const SignedRows& b) {
  return a.content_hashes == b.content_hashes && a.text_hashes == b.text_hashes &&
         a.normalized_bytes == b.normalized_bytes && a.band_keys == b.band_keys && a.sketches == b.sketches;
}

// Lines of every kind: escapes, none, no id, number as id, sources, faults of every reason, blank, CRLF.
std::string random_lines(std::mt19937& random) {
  const char* const kLines[] = {
      R"({"id":"a","text":"One two three four five six","source":"s","meta":{"score":1.5}})",
      R"({"text":"caf\u00e9 \"quoted\" \ud83d\ude00 words\nand more of them, and more","id":12})",
      "{\"id\":\"b\",\"text\":\"na\xc3\xafve \xe2\x80\x9cquotes\xe2\x80\x9d \xe6\x89\x8b\xe6\xa9\x9f and "
      "cafe\xcc\x81\"}",
      R"({"text":"","meta":{"score":"high"}})",
      R"({"text":"!!!","meta":{"score":-2e3,"score2":1}})",
      R"({"id":"no text"})",
      R"({"text":1})",
      R"({"text":"\ud800"})",
      R"({"text":"twice","text":"twice"})",
      R"({"text":"ambiguous","meta":{"score":1,"score":2}})",
      R"(["not an object"])",
      R"({"text":"broken)",
      "{\"text\":\"\xff\"}",
      "",
      " \t",
  };
  std::string text = random() % 4 == 0 ? "\xEF\xBB\xBF" : "";
  for (size_t i = random() % 30; i > 0; --i) {
    if (random() % 20 == 0) {
      text += "{\"text\":\"";
      for (size_t words = random() % 1500; words > 0; --words) {
        text += 'w';
        text += std::to_string(random() % 300);
        text += ' ';
      }
      text += "\"}";
    } else {
      text += kLines[random() % std::size(kLines)];
    }
    text += random() % 5 == 0 ? "\r\n" : "\n";
  }
  if (random() % 3 == 0 && !text.empty()) text.pop_back();
  return text;
}

TEST(SignLines, EqualsAScanAndSigningItsTextsOnEveryLevel) {
  std::mt19937 random(11);
  size_t documents = 0;
  size_t rejected = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string text = random_lines(random);
    const auto block = scanned(text);
    for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
      if (!has_simd_level(level)) continue;
      const auto lines = signed_lines(text, level);
      ASSERT_TRUE(equal(lines->rows, signed_texts(*block, SimdLevel::kScalar))) << text;
      ASSERT_EQ(lines->id.view(), block->id.view());
      ASSERT_EQ(lines->id_offsets, block->id_offsets);
      ASSERT_EQ(lines->sources, block->sources);
      ASSERT_EQ(lines->source_index, block->source_index);
      ASSERT_EQ(lines->record_offset, block->record_offset);
      ASSERT_EQ(lines->record_length, block->record_length);
      ASSERT_EQ(lines->record_line, block->record_line);
      ASSERT_EQ(lines->num_lines, block->num_lines);
      ASSERT_EQ(lines->rejected.size(), block->rejected.size());
      for (size_t i = 0; i < lines->rejected.size(); ++i) {
        ASSERT_STREQ(lines->rejected[i].reason, block->rejected[i].reason);
        ASSERT_EQ(lines->rejected[i].detail, block->rejected[i].detail);
        ASSERT_EQ(lines->rejected[i].offset, block->rejected[i].offset);
        ASSERT_EQ(lines->rejected[i].line, block->rejected[i].line);
      }
    }
    documents += block->num_documents();
    rejected += block->rejected.size();
  }
  EXPECT_GT(documents, 1000u);
  EXPECT_GT(rejected, 1000u);
}

TEST(SignLines, OneLetterMakesAnotherSignature) {
  const std::string line = R"({"id":"a","text":"One two three four five six"})";
  std::string other = line;
  other[other.size() - 3] = 'y';
  EXPECT_FALSE(equal(signed_lines(line)->rows, signed_texts(*scanned(other), best_simd_level())));
  EXPECT_TRUE(equal(signed_lines(line)->rows, signed_texts(*scanned(line), best_simd_level())));
}

TEST(SignLines, AScoreIsTheNumberInItsField) {
  const auto score = [](const std::string& meta) {
    const auto lines = signed_lines(R"({"text":"t","meta":)" + meta + "}");
    EXPECT_EQ(lines->scores.size(), 1u) << meta;
    return lines->scores[0];
  };
  EXPECT_EQ(score(R"({"score":12.25})"), 12.25);
  EXPECT_EQ(score(R"({"a":{},"score" : -1e-3})"), -1e-3);
  EXPECT_EQ(score(R"({"score":0.1})"), 0.1);
  EXPECT_EQ(score(R"({"score":1e999})"), HUGE_VAL);
  EXPECT_EQ(score(R"({"score":-1e999})"), -HUGE_VAL);
  EXPECT_EQ(score(R"({"score":1e-999})"), 0.0);
  for (const char* none : {R"({"score":"1"})", R"({"score":null})", R"({"score":[1]})", "{}", "3", R"({"score2":1})"}) {
    EXPECT_TRUE(std::isnan(score(none))) << none;
  }
}

TEST(SignLines, AScoreStaysAmongTheOtherFields) {
  const std::string meta = R"({"meta":{"score":1.50,"x":[]},"y":true})";
  EXPECT_EQ(scanned(R"({"text":"t",)" + meta.substr(1))->meta.view(), meta);
}

TEST(SignLines, TheScoreFieldIsNoOtherField) {
  ScanOptions same = options();
  for (const char* path : {"text", "id", "source", "text.score"}) {
    same.score_field = path;
    SignedLines lines;
    EXPECT_FALSE(sign_lines(nullptr, 0, same, {Shingling{}, kBands, best_simd_level()}, &lines).ok()) << path;
  }
}

TEST(ShingleLines, EqualTheSetsOfTheTexts) {
  std::mt19937 random(12);
  for (int round = 0; round < 50; ++round) {
    const std::string text = random_lines(random);
    const auto block = scanned(text);
    std::vector<uint32_t> begins;
    for (const double offset : block->record_offset) begins.push_back(static_cast<uint32_t>(offset));
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    ShingleSets sets;
    ASSERT_TRUE(
        shingle_lines(bytes, begins.data(), block->record_length.data(), begins.size(), options(), {}, &sets).ok());
    ShingleSets expected;
    Shingler shingler({}, SimdLevel::kScalar);
    ShingleSet set;
    for (size_t i = 0; i < block->num_documents(); ++i) {
      shingler.shingle(
          block->text.view().substr(block->text_offsets[i], block->text_offsets[i + 1] - block->text_offsets[i]), set);
      ASSERT_TRUE(expected.add(set.finish()).ok());
    }
    ASSERT_EQ(sets.hashes, expected.hashes);
    ASSERT_EQ(sets.offsets, expected.offsets);
  }
}

TEST(ShingleLines, ARecordThatIsNoDocumentIsRefused) {
  const std::string line = R"({"id":"a"})";
  const uint32_t begin = 0;
  const auto length = static_cast<uint32_t>(line.size());
  ShingleSets sets;
  const Status status =
      shingle_lines(reinterpret_cast<const uint8_t*>(line.data()), &begin, &length, 1, options(), {}, &sets);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("missing-text"), std::string::npos);
}

}  // namespace
}  // namespace millrace
