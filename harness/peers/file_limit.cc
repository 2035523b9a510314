#include "harness/peers/file_limit.h"

#include <unistd.h>

#include "base/os/file_limit.h"
#include "harness/core/context.h"
#include "harness/objects/privilege.h"
#include "harness/peers/peer.h"

namespace ipcsuite {
namespace {

// Lowers the limit while it lives.
class LoweredLimit {
 public:
  LoweredLimit() : old_(os::SystemFileLimit()) {
    if (old_ <= 0 || !os::SetSystemFileLimit(1))
      Unsupported(
          "the system's limit on open files can't be changed here: run as root of a machine");
  }
  ~LoweredLimit() { os::SetSystemFileLimit(old_); }
  LoweredLimit(const LoweredLimit&) = delete;
  LoweredLimit& operator=(const LoweredLimit&) = delete;

 private:
  long old_;
};

}  // namespace

OutOfFiles CallOutOfFiles(const std::function<CallResult()>& call) {
  Peer peer([&](Peer::Self& self) {
    if (!DropPrivilege()) Unsupported("privilege can't be dropped");
    self.step([] { return CALL(getuid()); });
    self.step(call);
    self.step(call);
  });
  peer.next().result();  // without privilege from here
  OutOfFiles results;
  {
    const LoweredLimit limit;
    results.during = peer.next().result();
  }
  results.after = peer.next().result();
  return results;
}

}  // namespace ipcsuite
