// The line scanner on input that nobody wrote: whatever the bytes are, rows and rejects account for every line, and
// what is written back is read again as the same documents.
#include "text/line_scan.h"

#include <gtest/gtest.h>

#include <random>

#include "text/json_lines.h"
#include "text/normalize.h"
#include "text/unicode.h"

namespace millrace {
namespace {

const uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

ScanOptions options() {
  ScanOptions options;
  options.text_field = "text";
  options.id_field = "id";
  options.source_field = "source";
  options.source = "file";
  return options;
}

std::string written(const ScannedBlock& block) {
  std::string sources;
  std::vector<uint32_t> source_offsets = {0};
  for (const std::string& source : block.sources) {
    sources += source;
    source_offsets.push_back(static_cast<uint32_t>(sources.size()));
  }
  const DocumentColumns columns = {block.source_index.size(),
                                   {block.text.data(), block.text_offsets.data()},
                                   {block.id.data(), block.id_offsets.data()},
                                   {block.meta.data(), block.meta_offsets.data()},
                                   {bytes_of(sources), source_offsets.data()},
                                   block.source_index.data()};
  const std::vector<uint8_t> keep(block.source_index.size(), 1);
  std::string out;
  EXPECT_TRUE(format_jsonl(columns, keep.data(), out).ok());
  return out;
}

// Copied without slack behind the last byte, so that a sanitizer sees a read beyond it.
std::unique_ptr<ScannedBlock> scanned(std::string_view text) {
  const std::vector<uint8_t> exact(text.begin(), text.end());
  auto block = std::make_unique<ScannedBlock>();
  EXPECT_TRUE(scan_jsonl(exact.data(), exact.size(), options(), block.get()).ok());
  return block;
}

const char* const kLines[] = {
    R"({"id":"a","text":"one \u00e9 \ud83d\ude00","source":"s","x":[1,{"y":null}],"original_id":2})",
    R"({"text":"two \"quoted\"\r\n","id":12,"source":{"not":"a string"},"z":"\ud800"})",
    R"(  {"text" : "three" , "b" : { } }  )",
    R"({"text":"","text2":"","i\u0064x":1e5})",
    "",
};

TEST(LineScan, DamagedInputIsAccountedForLineByLine) {
  std::mt19937 random(7);
  size_t rejected = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    size_t blank = 0;
    for (int i = 0; i < 4; ++i) text += std::string(kLines[random() % std::size(kLines)]) + "\n";
    for (int i = static_cast<int>(random() % 4); i > 0; --i) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 5);
          break;
        default:
          text.insert(at, 1, "\"\\{}[],:0\n\xC3\xED\x80"[random() % 13]);
      }
    }
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      blank += text.find_first_not_of(" \t\r", begin) >= end ? 1 : 0;
      begin = end + 1;
    }
    const auto block = scanned(text);
    EXPECT_EQ(block->source_index.size() + block->rejected.size() + blank, block->num_lines) << text;
    rejected += block->rejected.size();
    EXPECT_EQ(valid_utf8_prefix(block->text.data(), block->text.size()), block->text.size());
    const auto again = scanned(written(*block));
    EXPECT_EQ(again->rejected.size(), 0u) << text;
    EXPECT_EQ(again->text.view(), block->text.view());
    EXPECT_EQ(again->id.view(), block->id.view());
  }
  EXPECT_GT(rejected, 10000u);
}

TEST(LineScan, WhatWasWrittenIsWrittenTheSameAgain) {
  std::string text;
  for (const char* line : kLines) text += std::string(line) + "\n";
  const std::string once = written(*scanned(text));
  EXPECT_EQ(written(*scanned(once)), once);
  EXPECT_NE(once, text);
}

TEST(LineScan, ANameThatIsTakenIsKeptUnderAnotherOne) {
  ScanOptions other = options();
  other.text_field = "body";
  const std::string line = R"({"body":"T","text":1,"original_text":2,"te\u0078t2":3})";
  ScannedBlock block;
  ASSERT_TRUE(scan_jsonl(bytes_of(line), line.size(), other, &block).ok());
  EXPECT_EQ(written(block),
            R"({"id":"file#0","text":"T","source":"file","original_original_text":1,"original_text":2,"te\u0078t2":3})"
            "\n");
}

// Values without records are rejected in their places, also where one began before these bytes.
TEST(LineScan, MarksOfValuesWithoutRecordsBecomeRejectedOnes) {
  ScanOptions values = options();
  values.values = true;
  values.records_field = "data";
  values.base_offset = 100;
  values.base_line = 7;
  values.value_begin = 40;
  const std::string lines = "\n\3\n\2\n{\"text\":\"a\"}\n\1 \2\n\3\2\n";
  ScannedBlock block;
  ASSERT_TRUE(scan_jsonl(bytes_of(lines), lines.size(), values, &block).ok());
  ASSERT_EQ(block.rejected.size(), 3u);
  const double places[][3] = {{40, 62, 8}, {118, 1, 10}, {120, 3, 11}};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(block.rejected[i].offset, places[i][0]);
    EXPECT_EQ(block.rejected[i].length, places[i][1]);
    EXPECT_EQ(block.rejected[i].line, places[i][2]);
    EXPECT_STREQ(block.rejected[i].reason, "missing-records");
    EXPECT_EQ(block.rejected[i].detail, "no \"data\" in the value");
  }
  EXPECT_EQ(block.record_line, (std::vector<double>{9}));
  EXPECT_EQ(block.num_lines, 4u);
  EXPECT_EQ(block.value_begin, 123u);
}

TEST(Normalize, RowsKeepTheirBorders) {
  const std::string text = "e\xCC\x81\r\n\r";
  const uint32_t offsets[] = {0, 1, 3, 4, 6};
  std::string out;
  std::vector<uint32_t> out_offsets;
  ASSERT_TRUE(normalize_texts(bytes_of(text), offsets, 4, {true, true}, &out, &out_offsets).ok());
  EXPECT_EQ(out, "e\xCC\x81\n\n\n");
  EXPECT_EQ(out_offsets, (std::vector<uint32_t>{0, 1, 3, 4, 6}));
}

}  // namespace
}  // namespace millrace
