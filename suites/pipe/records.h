// Records whose tearing is seen: writer, sequence, length, and filler that depends on all three;
// and records of one letter for each writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace ipcsuite::pipe_suite {

constexpr std::size_t kRecordBytesMin = 12;

// A record of exactly `length` bytes, at least kRecordBytesMin.
std::string MakeRecord(unsigned writer, std::uint32_t sequence, std::size_t length);

// Parses a stream of records; every writer's sequence must count from 0 without a gap.
class RecordParser {
 public:
  void Feed(const char* data, std::size_t length);
  // What was wrong first; at the end of the stream a part of a record is wrong too. Empty: nothing.
  std::string Problem(bool at_end = true) const;
  // Whole records seen of this writer.
  std::uint32_t Count(unsigned writer) const;
  // How often a record of another writer than the one before came: how much the writers mixed.
  std::size_t switches() const { return switches_; }

 private:
  std::string pending_, problem_;
  std::map<unsigned, std::uint32_t> next_;
  std::size_t offset_ = 0, switches_ = 0;
  int last_writer_ = -1;
};

// How often the letter of each writer came: 'a' of the first one.
void ExpectAllOfEach(const std::string& got, int writers, std::size_t record);

}  // namespace ipcsuite::pipe_suite
