// The files of JSONTestSuite: y... must be accepted, n... refused, i... either.
#ifndef MILLRACE_TEST_NATIVE_JSON_TEST_SUITE_H_
#define MILLRACE_TEST_NATIVE_JSON_TEST_SUITE_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

namespace millrace::testing {

// Visits each file's name and text; none, with a word about it, where the suite is absent.
inline void visit_json_test_suite(const std::function<void(const std::string&, const std::string&)>& visit) {
  namespace fs = std::filesystem;
  const fs::path suite = fs::path(__FILE__).parent_path() / "../../../shared/data/json-test-suite/test_parsing";
  if (!fs::exists(suite)) {
    std::fprintf(stderr, "JSONTestSuite is absent: expected it at %s\n", suite.c_str());
    return;
  }
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(suite)) {
    std::ifstream file(entry.path(), std::ios::binary);
    visit(entry.path().filename(), {std::istreambuf_iterator<char>(file), {}});
    ++seen;
  }
  EXPECT_GT(seen, 300);
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_NATIVE_JSON_TEST_SUITE_H_
