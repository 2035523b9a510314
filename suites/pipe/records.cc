#include "suites/pipe/records.h"

#include <algorithm>
#include <cstring>

#include "harness/test/test.h"

namespace ipcsuite::pipe_suite {
namespace {

constexpr std::uint16_t kMagic = 0x7ec5;

struct Head {
  std::uint16_t magic;
  std::uint16_t writer;
  std::uint32_t sequence;
  std::uint32_t length;
};
static_assert(sizeof(Head) == kRecordBytesMin);

char Filler(const Head& head, std::size_t at) {
  return static_cast<char>(head.writer * 31 + head.sequence * 7 + at * 13 + (at >> 8));
}

}  // namespace

std::string MakeRecord(unsigned writer, std::uint32_t sequence, std::size_t length) {
  const Head head{kMagic, static_cast<std::uint16_t>(writer), sequence,
                  static_cast<std::uint32_t>(length)};
  std::string record(length, '\0');
  std::memcpy(record.data(), &head, sizeof head);
  for (std::size_t i = sizeof head; i < length; ++i) record[i] = Filler(head, i);
  return record;
}

void RecordParser::Feed(const char* data, std::size_t length) {
  if (!problem_.empty()) return;
  pending_.append(data, length);
  std::size_t at = 0;
  while (problem_.empty() && pending_.size() - at >= sizeof(Head)) {
    Head head;
    std::memcpy(&head, pending_.data() + at, sizeof head);
    const std::string where = " at byte " + std::to_string(offset_ + at) + " of the stream";
    if (head.magic != kMagic || head.length < sizeof head) {
      problem_ = "no record begins where one should" + where;
      break;
    }
    if (pending_.size() - at < head.length) break;
    for (std::size_t i = sizeof head; i < head.length; ++i) {
      if (pending_[at + i] == Filler(head, i)) continue;
      problem_ = "a record of writer " + std::to_string(head.writer) + " is torn" + where;
      break;
    }
    std::uint32_t& next = next_[head.writer];
    if (problem_.empty() && head.sequence != next) {
      problem_ = "writer " + std::to_string(head.writer) + ": record " +
                 std::to_string(head.sequence) + " came where " + std::to_string(next) + " should" +
                 where;
    }
    ++next;
    switches_ += last_writer_ != static_cast<int>(head.writer);
    last_writer_ = static_cast<int>(head.writer);
    at += head.length;
  }
  pending_.erase(0, at);
  offset_ += at;
}

std::string RecordParser::Problem(bool at_end) const {
  if (!problem_.empty()) return problem_;
  if (at_end && !pending_.empty())
    return std::to_string(pending_.size()) + " bytes of an unfinished record at the end";
  return "";
}

std::uint32_t RecordParser::Count(unsigned writer) const {
  const auto it = next_.find(writer);
  return it == next_.end() ? 0 : it->second;
}

void ExpectAllOfEach(const std::string& got, int writers, std::size_t record) {
  for (int i = 0; i < writers; ++i) {
    const char letter = static_cast<char>('a' + i);
    EXPECT_EQ(static_cast<std::size_t>(std::count(got.begin(), got.end(), letter)), record)
        << "bytes of writer " << i;
  }
}

}  // namespace ipcsuite::pipe_suite
