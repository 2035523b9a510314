// Fixtures over the ways to get a pipe: what holds for pipe(), pipe2() and FIFOs alike has one
// body.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "harness/test/test.h"
#include "suites/pipe/support.h"

namespace ipcsuite::pipe_suite {

// Everything that transfers data: all three kinds.
class PipeKindTest : public TestWithParam<PipeKind> {
 protected:
  Pipe Make(int flags = 0) const { return Pipe(GetParam(), flags); }
};

inline std::string KindName(const testing::TestParamInfo<PipeKind>& info) {
  return ToString(info.param);
}

#define IPC_FOR_ALL_KINDS(fixture)                                                              \
  class fixture : public PipeKindTest {};                                                       \
  INSTANTIATE_TEST_SUITE_P(Kinds, fixture,                                                      \
                           testing::Values(PipeKind::kPipe, PipeKind::kPipe2, PipeKind::kFifo), \
                           KindName)

// What only unnamed pipes have: pipe() and pipe2().
#define IPC_FOR_UNNAMED_KINDS(fixture)                                                         \
  class fixture : public PipeKindTest {};                                                      \
  INSTANTIATE_TEST_SUITE_P(Kinds, fixture, testing::Values(PipeKind::kPipe, PipeKind::kPipe2), \
                           KindName)

}  // namespace ipcsuite::pipe_suite
