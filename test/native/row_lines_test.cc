#include "text/row_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/line_scan.h"

namespace millrace {
namespace {

std::string joined(std::string_view json, const std::vector<TextRun>& runs, std::vector<std::string_view> sources) {
  std::string out;
  const Status status = join_rows(json, runs.data(), runs.size(), sources.data(), sources.size(), out);
  return status.ok() ? out : "refused";
}

TEST(RowLines, PutsTextsWhereTheyStandAndEscapesThem) {
  EXPECT_EQ(joined("{\"a\":,\"b\":}\n", {{5, 0, 1, 3}, {10, 1, 0, 4}}, {"xyzx", "\"\n\\\x01"}),
            "{\"a\":\"yz\",\"b\":\"\\\"\\n\\\\\\u0001\"}\n");
  EXPECT_EQ(joined("[]", {}, {}), "[]");
  EXPECT_EQ(joined("", {{0, 0, 0, 0}, {0, 0, 2, 2}}, {"ab"}), "\"\"\"\"");
}

TEST(RowLines, PassesOnWhatIsNotUtf8) { EXPECT_EQ(joined("", {{0, 0, 0, 2}}, {"\xff\xc3"}), "\"\xff\xc3\""); }

TEST(RowLines, RefusesRunsOutsideOfWhatIsThere) {
  const std::vector<TextRun> bad[] = {
      {{3, 0, 0, 1}}, {{1, 1, 0, 1}}, {{1, 0, 0, 4}}, {{1, 0, 2, 1}}, {{2, 0, 0, 1}, {1, 0, 0, 1}}};
  for (const std::vector<TextRun>& runs : bad) EXPECT_EQ(joined("ab", runs, {"xyz"}), "refused");
}

TEST(RowLines, StandAtThePlacesThatAreGiven) {
  const std::string lines = "{\"text\":\"a\"}\n{\"text\":1}\n{\"text\":\"b\"}\n";
  const double offsets[] = {7, 1e12, 2e12};
  ScanOptions options{"text", "id", "source", "", "t"};
  options.record_offsets = offsets;
  options.num_record_offsets = 3;
  ScannedBlock block;
  const auto* bytes = reinterpret_cast<const uint8_t*>(lines.data());
  ASSERT_TRUE(scan_jsonl(bytes, lines.size(), options, &block).ok());
  EXPECT_EQ(block.record_offset, (std::vector<double>{7, 2e12}));
  ASSERT_EQ(block.rejected.size(), 1u);
  EXPECT_EQ(block.rejected[0].offset, 1e12);
  options.num_record_offsets = 2;
  ScannedBlock again;
  EXPECT_FALSE(scan_jsonl(bytes, lines.size(), options, &again).ok());
}

}  // namespace
}  // namespace millrace
