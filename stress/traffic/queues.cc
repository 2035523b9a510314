#include "stress/traffic/queues.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ipcsuite::stress {

namespace {

constexpr auto kNone = static_cast<mqd_t>(-1);

// A queue as deep as the limits allow; kNone with errno set. `depth` is what was tried last.
mqd_t Open(const std::string& name, const Queues::Shape& shape, long& depth) {
  for (depth = shape.depth;; depth = std::max(1L, depth / 2)) {
    mq_attr attr{};
    attr.mq_maxmsg = depth;
    attr.mq_msgsize = static_cast<long>(shape.message_bytes);
    const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | shape.flags, 0600, &attr);
    const bool limit = errno == EINVAL || errno == EMFILE || errno == ENOMEM || errno == ENOSPC;
    if (queue != kNone || !limit || depth == 1) return queue;
  }
}

// Takes the only message of a new queue.
void Empty(mqd_t queue, std::size_t message_bytes) {
  std::vector<char> buffer(message_bytes);
  const timespec past{0, 0};
  mq_timedreceive(queue, buffer.data(), buffer.size(), nullptr, &past);
}

}  // namespace

std::string Queues::Add(Registry& registry, const Shape& shape) {
  const std::string name = registry.NewName(NameKind::kQueue);
  long depth = 0;
  const mqd_t queue = Open(name, shape, depth);
  if (queue == kNone) {
    const std::string why = std::strerror(errno);
    registry.ForgetName(name);
    return "mq_open " + name + " for " + std::to_string(depth) + " x " +
           std::to_string(shape.message_bytes) + " bytes: " + why +
           (depth == 1 ? " (limits: fs.mqueue.msg_max, msgsize_max, queues_max, RLIMIT_MSGQUEUE)"
                       : "");
  }
  registry_ = &registry;
  made_.push_back({queue, name});
  // Some systems have the names only (gVisor): no finding of a stress run.
  if (mq_send(queue, "", 0, 0) != 0 && errno == ENOSYS) {
    Remove();
    return std::string("mq_send: ") + std::strerror(ENOSYS);
  }
  Empty(queue, shape.message_bytes);
  return "";
}

void Queues::Remove() {
  for (const auto& [descriptor, name] : made_) {
    mq_close(descriptor);
    mq_unlink(name.c_str());
    registry_->ForgetName(name);
  }
  made_.clear();
}

}  // namespace ipcsuite::stress
