// Streams over pipes and FIFOs: pairs with a pipe of their own, and many writers into one pipe.
#include <sys/stat.h>

#include <cstring>

#include "stress/transport_pipe.h"
#include "stress/workloads.h"

namespace ipcsuite::stress {
namespace {

struct Ends {
  int read_fd = -1, write_fd = -1;
};

// Closes in this process all ends but those two.
void KeepOnly(const std::vector<Ends>& all, int read_fd, int write_fd) {
  for (const Ends& ends : all) {
    if (ends.read_fd != read_fd) close(ends.read_fd);
    if (ends.write_fd != write_fd) close(ends.write_fd);
  }
}

class PipeStream : public Workload {
 public:
  explicit PipeStream(bool fifo) : fifo_(fifo) {}
  ~PipeStream() override { Teardown(); }

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    for (int i = 0; i < spec.producers; ++i) {
      Ends ends;
      const std::string error = fifo_ ? OpenFifo(registry, &ends) : OpenPipe(&ends);
      if (!error.empty()) return error;
      ends_.push_back(ends);
    }
    return "";
  }

  void Run(Worker& w) override {
    const Ends mine = ends_[static_cast<std::size_t>(w.object_index)];
    const bool produce = w.role == Role::kProducer;
    KeepOnly(ends_, produce ? -1 : mine.read_fd, produce ? mine.write_fd : -1);
    PipeTransport transport{mine.read_fd, mine.write_fd};
    RunStream(w, transport);
  }

  // The parent held the write ends for successors of killed producers; now readers may see the end.
  void ProducersDone(const Shared&) override {
    for (Ends& ends : ends_) {
      if (ends.write_fd >= 0) close(ends.write_fd);
      ends.write_fd = -1;
    }
  }

  void Teardown() override {
    for (const Ends& ends : ends_) {
      if (ends.read_fd >= 0) close(ends.read_fd);
      if (ends.write_fd >= 0) close(ends.write_fd);
    }
    ends_.clear();
  }

  void Forget() override { PipeStream::Teardown(); }

 protected:
  static std::string OpenPipe(Ends* ends) {
    int fds[2];
    if (pipe(fds) != 0) return std::string("pipe: ") + std::strerror(errno);
    *ends = {fds[0], fds[1]};
    return "";
  }

  static std::string OpenFifo(Registry& registry, Ends* ends) {
    const std::string path = registry.NewName(NameKind::kPath);
    if (mkfifo(path.c_str(), 0600) != 0) {
      return "mkfifo " + path + ": " + std::strerror(errno) + " (set TMPDIR to a place for FIFOs)";
    }
    ends->read_fd = open(path.c_str(), O_RDONLY | O_NONBLOCK);
    ends->write_fd = open(path.c_str(), O_WRONLY);
    const int flags = fcntl(ends->read_fd, F_GETFL);
    const bool ok = ends->read_fd >= 0 && ends->write_fd >= 0 &&
                    fcntl(ends->read_fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
    const std::string error = ok ? "" : "open " + path + ": " + std::strerror(errno);
    unlink(path.c_str());
    registry.ForgetName(path);
    return error;
  }

  std::vector<Ends> ends_;

 private:
  const bool fifo_;
};

class PipeWriters : public PipeStream {
 public:
  PipeWriters() : PipeStream(false) {}

  std::string Setup(const RunSpec& spec, Registry&, SharedRegion&) override {
    Ends ends;
    const std::string error = OpenPipe(&ends);
    if (!error.empty()) return error;
    ends_.push_back(ends);
    if (spec.size_bytes > PipeBufOf(ends.write_fd)) {
      return "records of " + std::to_string(spec.size_bytes) + " bytes exceed PIPE_BUF (" +
             std::to_string(PipeBufOf(ends.write_fd)) + ")";
    }
    return "";
  }

  void Run(Worker& w) override {
    const Ends mine = ends_.front();
    const bool produce = w.role == Role::kProducer;
    KeepOnly(ends_, produce ? -1 : mine.read_fd, produce ? mine.write_fd : -1);
    ChunkTransport transport(mine.read_fd, mine.write_fd);
    RunStream(w, transport);
  }
};

}  // namespace

std::unique_ptr<Workload> MakePipeStream() { return std::make_unique<PipeStream>(false); }
std::unique_ptr<Workload> MakeFifoStream() { return std::make_unique<PipeStream>(true); }
std::unique_ptr<Workload> MakePipeWriters() { return std::make_unique<PipeWriters>(); }

}  // namespace ipcsuite::stress
