// Descriptors of objects that travel to another process through a socket.
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// A message of one byte with room for one descriptor.
struct Envelope {
  Envelope() {
    header.msg_iov = &area;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
  char byte = 'd';
  iovec area{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
};

CallResult SendDescriptor(int socket, int fd) {
  Envelope out;
  cmsghdr* rights = CMSG_FIRSTHDR(&out.header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  return CALL(sendmsg(socket, &out.header, 0));
}

// -1 where none came.
int ReceiveDescriptor(int socket) {
  Envelope in;
  int fd = -1;
  if (recvmsg(socket, &in.header, 0) != 1) return fd;
  const cmsghdr* rights = CMSG_FIRSTHDR(&in.header);
  if (rights && rights->cmsg_type == SCM_RIGHTS) std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
  return fd;
}

// Received, it is a reference like one that dup() makes.
IPC_TEST(ShmClose, PassedDescriptorKeepsAnUnlinkedObject, clause::close::shm_dup_reference) {
  const std::size_t page = PageSize();
  ShmObject object(page);
  {
    Mapping view = Mapping::Of(object, page);
    Fill(view.data(), page);
  }
  int ends[2];
  Setup(CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)));
  const Fd ours(ends[0]), theirs(ends[1]);
  Peer receiver([&](Peer::Self& self) {
    CloseAllExcept({theirs.get()});
    Fd own;
    self.step([&] {
      own.reset(ReceiveDescriptor(theirs));
      return CALL(own.get());
    });
    self.step([&] {
      Mapping view = Mapping::Of(own, page, PROT_READ);
      return CALL(static_cast<long>(FirstMismatch(view.data(), page)));
    });
  });
  const CallResult sent = SendDescriptor(ours, object);
  if (!sent.ok()) Unsupported("a descriptor can't be sent through a socket: " + Describe(sent));
  const CallResult received = receiver.next().result();
  if (!received.ok()) Unsupported("no descriptor came through the socket");
  Setup(CALL(shm_unlink(object.name())));
  EXPECT_THAT(CALL(close(object.owner().release())), SucceedsWith(0));
  EXPECT_THAT(receiver.next().result(), SucceedsWith(page))
      << "the first byte that differs, through the descriptor that was passed";
}

}  // namespace
}  // namespace ipcsuite::shm_suite
