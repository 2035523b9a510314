// Records in a byte stream that a reader can distinguish: each begins with its number and length.
#pragma once

#include <cstddef>
#include <cstdint>

#include "props/history/history.h"
#include "props/history/recorder.h"

namespace ipcsuite::props {

// Bytes at the beginning of a stamped record: its number and its length, eight bytes each.
inline constexpr std::size_t kStreamHeader = 16;

// Finds the records in what process 0 read, and gives each read of the history the pieces that it
// returned. Bytes that belong to no record become pieces of record 0, which nobody wrote. Reads
// that returned end of file are left out: the model has no moment for the last close.
void CompleteStream(const Recorder& recorder, History& history);

}  // namespace ipcsuite::props
