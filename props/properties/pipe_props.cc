// Properties of pipes and FIFOs: sequential traffic, and lockstep over several processes.
#include <memory>
#include <vector>

#include "base/pipe_buf.h"
#include "harness/test/test.h"
#include "props/engine/lockstep.h"
#include "props/engine/pipe_target.h"
#include "props/engine/property.h"
#include "props/engine/sequential.h"
#include "props/properties/pipe_domain.h"
#include "spec/clauses/fifo.h"
#include "spec/clauses/pipe_io.h"
#include "spec/clauses/pipe_poll.h"

namespace ipcsuite::props {
namespace {

PipeModel::Config BaseConfig(bool fifo, std::uint64_t readers, std::uint64_t writers) {
  PipeModel::Config config;
  config.pipe_buf = PipeBufAt();
  config.fifo = fifo;
  config.readers = readers;
  config.writers = writers;
  return config;
}

CaseOutcome Sequentially(const Program& program, bool fifo) {
  std::unique_ptr<PipeTarget> target =
      fifo ? PipeTarget::Fifo() : std::make_unique<PipeTarget>(PipeTarget::Ends{});
  target->Enter(0);
  static std::vector<unsigned char> bytes(Target::kMaxBytes);
  PipeModel::Config config = BaseConfig(fifo, 1, 1);
  config.bytes = bytes.data();
  PipeDomain domain(PipeModel(config), {});
  return RunSequential(domain, *target, program, bytes.data());
}

// Process 0 reads, the others write; `rw` of them hold both ends.
CaseOutcome InLockstep(const Program& program, int processes, const PipeDomain::Shape& shape) {
  const std::uint64_t writers = (std::uint64_t{1} << processes) - 2;
  PipeTarget target(PipeTarget::Ends{1, writers});
  Crew crew(processes, target);
  PipeModel::Config config = BaseConfig(false, 1, writers);
  config.bytes = crew.Bytes();
  PipeDomain domain(PipeModel(config), shape);
  return Lockstep<PipeModel>(domain, crew).Run(program);
}

IPC_TEST(PropSequential, PipeTraffic, clause::pipe::read_fifo_order,
         clause::pipe::read_no_message_boundaries, clause::pipe::read_short_when_less_available,
         clause::pipe::read_never_more_than_nbyte, clause::pipe::read_data_before_eof,
         clause::pipe::read_eof_no_writer, clause::pipe::read_eagain_empty_with_writer,
         clause::pipe::write_appends, clause::pipe::write_le_pipe_buf_never_partial,
         clause::pipe::write_nonblock_gt_min_when_empty, clause::pipe::write_nonblock_gt_partial,
         clause::pipe::write_nonblock_le_room, clause::pipe::write_epipe,
         clause::readv::pipe_fill_order, clause::writev::pipe_gather_order, timeout_s(300)) {
  PropertySpec spec{"PropSequential.PipeTraffic",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return Sequentially(p, false); },
                    {{Call::kWrite, 100},
                     {Call::kRead, 100},
                     {Call::kPollIn, 20},
                     {Call::kPollOut, 20},
                     {Call::kCloseWrite, 2},
                     {Call::kCloseRead, 2}},
                    0,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropSequential, FifoTraffic, clause::fifo::io_same_as_pipe,
         clause::fifo::io_eof_not_sticky, clause::fifo::io_epipe_not_sticky,
         clause::fifo::io_discard_on_last_close, clause::fifo::open_rdonly_nonblock,
         clause::fifo::open_wronly_nonblock_enxio, clause::poll::pipe_pollin_with_data,
         clause::poll::pipe_no_pollin_when_empty, clause::poll::pipe_pollout_with_room,
         timeout_s(300)) {
  PropertySpec spec{"PropSequential.FifoTraffic",
                    __FILE__,
                    __LINE__,
                    400,
                    [](Program p) {
                      for (RawStep& step : p) {  // ends come and go much more often
                        if (step.who % 8 == 7) step.what = 31, step.a = 0;
                      }
                      return Sequentially(p, true);
                    },
                    {{Call::kWrite, 100},
                     {Call::kRead, 50},
                     {Call::kOpenRead, 20},
                     {Call::kOpenWrite, 20},
                     {Call::kCloseRead, 20},
                     {Call::kCloseWrite, 20}},
                    0,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, PipeTraffic, clause::pipe::read_blocks_until_data,
         clause::pipe::write_blocks_when_full, clause::pipe::write_blocking_completes,
         clause::pipe::read_fifo_order, clause::pipe::write_le_pipe_buf_never_partial,
         clause::pipe::read_blocks_until_all_writers_close,
         clause::pipe::write_reader_close_releases_writer, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.PipeTraffic",
                    __FILE__,
                    __LINE__,
                    150,
                    [](const Program& p) { return InLockstep(p, 4, {}); },
                    {{Call::kWrite, 50}, {Call::kRead, 50}},
                    20,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, PipeWritersKilled, clause::pipe::write_le_pipe_buf_never_partial,
         clause::pipe::read_blocks_until_all_writers_close, clause::pipe::read_data_before_eof,
         timeout_s(300)) {
  PipeDomain::Shape shape;
  shape.kills = true;
  PropertySpec spec{"PropLockstep.PipeWritersKilled",
                    __FILE__,
                    __LINE__,
                    150,
                    [shape](Program p) {
                      for (RawStep& step : p) {
                        if (step.b % 64 == 30) step.what = 255;
                      }
                      return InLockstep(p, 5, shape);
                    },
                    {{Call::kWrite, 50}, {Call::kRead, 20}},
                    10,
                    false};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
