// The message queues of a workload: made before its processes start, removed with their names after
// these have ended.
#pragma once

#include <mqueue.h>

#include <cstddef>
#include <string>
#include <vector>

#include "stress/engine/registry.h"

namespace ipcsuite::stress {

class Queues {
 public:
  struct Shape {
    long depth;  // messages; fewer where the limits want it
    std::size_t message_bytes;
    int flags = 0;  // of mq_open(), besides those that make a queue
  };

  Queues() = default;
  ~Queues() { Remove(); }
  Queues(const Queues&) = delete;
  Queues& operator=(const Queues&) = delete;

  // Makes one more queue, of mode 0600 and empty. Returns "", or why there is none.
  std::string Add(Registry& registry, const Shape& shape);
  void Remove();

  std::size_t size() const { return made_.size(); }
  mqd_t operator[](std::size_t i) const { return made_[i].descriptor; }
  const std::string& name(std::size_t i) const { return made_[i].name; }

 private:
  struct Made {
    mqd_t descriptor;
    std::string name;
  };
  Registry* registry_ = nullptr;
  std::vector<Made> made_;
};

}  // namespace ipcsuite::stress
