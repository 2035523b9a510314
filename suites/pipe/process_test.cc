// Pipe ends over fork, exec, exit and posix_spawn.
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/kinds.h"

extern char** environ;

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeProcess);

std::string Number(int fd) { return std::to_string(fd); }

IPC_TEST_P(PipeProcess, ForkSharesTheDescriptions, clause::fork::pipe_descriptors_shared) {
  Pipe p = Make(O_NONBLOCK);
  SharedBuffer got(10);
  ASSERT_THAT(CALL(write(p.wr(), "before", 6)), SucceedsWith(6));
  Peer child([&](Peer::Self& self) {
    self.step([&] { return CALL(read(p.rd(), got.data(), 10)); });
    self.step([&] { return CALL(write(p.wr(), "after", 5)); });
    self.step([&] { return CALL(fcntl(p.rd(), F_SETFL, 0)); });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(6));
  EXPECT_EQ(got.str(6), "before");
  char byte[5];
  EXPECT_THAT(CALL(read(p.rd(), byte, 5)), Fails(EAGAIN)) << "a byte is read once";
  EXPECT_THAT(child.next().result(), SucceedsWith(5));
  EXPECT_THAT(CALL(read(p.rd(), byte, 5)), SucceedsWith(5));
  EXPECT_EQ(std::string(byte, 5), "after");
  // One set of status flags.
  EXPECT_THAT(child.next().result(), Succeeds());
  EXPECT_FALSE(IsNonblocking(p.rd())) << "cleared by the child";
}

IPC_TEST_P(PipeProcess, InheritedWriteEndHoldsBackEndOfFile,
           clause::fork::pipe_child_copy_delays_eof) {
  for (const bool closes : {true, false}) {
    Pipe p = Make(O_NONBLOCK);
    Peer child([&](Peer::Self& self) {
      self.step([&] { return CALL(getpid()); });
      if (closes) {
        self.step([&] { return CALL(close(p.wr_fd().release())); });
        self.step([&] { return CALL(getpid()); });  // lives on
      }
    });
    p.CloseWr();
    char byte;
    EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Fails(EAGAIN)) << "the child is a writer";
    EXPECT_THAT(child.next().result(), Succeeds());
    if (closes) {
      EXPECT_THAT(child.next().result(), SucceedsWith(0));
      EXPECT_TRUE(child.alive());
    } else {
      child.Join();
    }
    EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(0))
        << (closes ? "after its close" : "after its end");
  }
}

IPC_TEST_P(PipeProcess, InheritedReadEndHoldsBackEpipe, clause::fork::pipe_child_copy_delays_eof) {
  Pipe p = Make(O_NONBLOCK);
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  Peer child([&](Peer::Self& self) { self.step([&] { return CALL(getpid()); }); });
  p.CloseRd();
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1)) << "the child is a reader";
  EXPECT_THAT(child.next().result(), Succeeds());
  child.Join();
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), Fails(EPIPE)) << "after its end";
}

IPC_TEST_P(PipeProcess, CloforkDescriptorIsNotInherited, clause::fork::clofork) {
#ifdef FD_CLOFORK
  Pipe p = Make(O_NONBLOCK);
  ASSERT_THAT(CALL(fcntl(p.wr(), F_SETFD, FD_CLOFORK)), Succeeds());
  Peer child([&](Peer::Self& self) {
    self.step([&] { return CALL(fcntl(p.wr(), F_GETFD)); });
    self.step([&] { return CALL(getpid()); });
  });
  EXPECT_THAT(child.next().result(), Fails(EBADF));
  EXPECT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1)) << "the parent's stays open";
  EXPECT_EQ(DrainPipe(p.rd()), "x");
  p.CloseWr();
  char byte;
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(0));
  EXPECT_TRUE(child.alive());
#else
  Unsupported("FD_CLOFORK is not defined here");
#endif
}

// Says the status flags of a descriptor and what can be read from it.
IPC_ROLE(pipe_report_inherited) {
  const int fd = std::stoi(args.at(0));
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) {
    self.Say("closed");
    return 0;
  }
  self.Say(flags & O_NONBLOCK ? "nonblocking" : "blocking");
  char buffer[100];
  const ssize_t got = read(fd, buffer, sizeof buffer);
  self.Say(got < 0 ? ErrnoName(errno) : std::string(buffer, static_cast<std::size_t>(got)));
  return 0;
}

IPC_TEST_P(PipeProcess, DescriptorsStayOpenOverExec, clause::exec::pipe_inherited) {
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe p = Make(flags);
    ASSERT_THAT(CALL(write(p.wr(), "unread data", 11)), SucceedsWith(11));
    ExecSelf program("pipe_report_inherited", {Number(p.rd())});
    EXPECT_EQ(program.Wait(), 0);
    EXPECT_EQ(program.said(), std::string(flags ? "nonblocking" : "blocking") + "\nunread data\n");
    SetNonblocking(p.rd(), true);
    char byte;
    EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Fails(EAGAIN)) << "the program has read it";
  }
}

// Waits until the test lets it end, or its patience is over.
IPC_ROLE(pipe_wait) {
  self.Say("runs");
  return self.Await("end") ? 0 : 1;
}

IPC_TEST_P(PipeProcess, CloexecDescriptorIsClosedByExec, clause::exec::pipe_cloexec) {
  Pipe p = Make(O_CLOEXEC);
  Pipe kept = Make();
  ExecSelf program("pipe_wait");
  program.AwaitSaid("runs");
  p.CloseWr();
  kept.CloseWr();
  char byte;
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), &byte, 1)); }), SucceedsWith(0))
      << "exec closed the program's copy";
  SetNonblocking(kept.rd(), true);
  EXPECT_THAT(CALL(read(kept.rd(), &byte, 1)), Fails(EAGAIN))
      << "the program has a copy without the flag";
  program.Tell("end");
  EXPECT_EQ(program.Wait(), 0) << "the program has lived until now";
  EXPECT_THAT(CALL(read(kept.rd(), &byte, 1)), SucceedsWith(0));
}

IPC_TEST_P(PipeProcess, FailedExecClosesNothing, clause::exec::pipe_failed_exec_keeps_open) {
  Pipe p = Make(O_CLOEXEC);
  const UniqueName absent = UniqueName::Path(".absent");
  Peer child;
  Call call = child.start([&] {
    char* argv[] = {const_cast<char*>(absent.c_str()), nullptr};
    const CallResult failed = CALL(execv(absent.c_str(), argv));
    [[maybe_unused]] const ssize_t put = write(p.wr(), &failed.error, sizeof failed.error);
    return failed;
  });
  EXPECT_THAT(call.result(), Fails(ENOENT));
  p.CloseWr();
  std::int32_t error = 0;
  EXPECT_THAT(CALL(read(p.rd(), &error, sizeof error)), SucceedsWith(sizeof error));
  EXPECT_EQ(error, ENOENT);
}

IPC_ROLE(pipe_report_clofork) {
#ifdef FD_CLOFORK
  self.Say(fcntl(std::stoi(args.at(0)), F_GETFD) & FD_CLOFORK ? "kept" : "cleared");
#endif
  return 0;
}

// The flag is set after the fork, so that the descriptor is there when exec is called.
IPC_TEST_P(PipeProcess, CloforkOverExec, clause::exec::clofork_across_exec) {
#ifdef FD_CLOFORK
  Pipe p = Make();
  ExecSelf program("pipe_report_clofork", {Number(p.rd())},
                   [&] { fcntl(p.rd(), F_SETFD, FD_CLOFORK); });
  EXPECT_EQ(program.Wait(), 0);
  Observe(clause::exec::clofork_across_exec, "fd_clofork",
          program.said() == "kept\n" ? "kept" : "cleared");
#else
  Unsupported("FD_CLOFORK is not defined here");
#endif
}

// Each way for a process to end closes its ends: the reader gets the data, then end-of-file.
IPC_TEST_P(PipeProcess, EndOfAProcessClosesItsWriteEnd, clause::exit::closes_pipe_ends) {
  for (const int signal : {0, SIGKILL, SIGTERM}) {
    Pipe p = Make();
    Pipe gate = Make();
    Peer holder;
    Call call = holder.start([&] {
      CloseAllExcept({p.wr(), gate.rd(), gate.wr()});
      [[maybe_unused]] const ssize_t put = write(p.wr(), "last", 4);
      char byte;
      const CallResult waited = CALL(read(gate.rd(), &byte, 1));
      _exit(waited.ok() ? 0 : 1);
      return waited;
    });
    p.CloseWr();
    EXPECT_THAT(call, Blocks());
    SharedBuffer got(10);
    Peer reader([&](Peer::Self& self) {
      CloseAllExcept({p.rd()});
      self.step([&] { return CALL(read(p.rd(), got.data(), 10)); });
      self.step([&] { return CALL(read(p.rd(), got.data(), 10)); });
    });
    EXPECT_THAT(reader.next().result(), SucceedsWith(4));
    Call at_end = reader.next();
    EXPECT_THAT(at_end, Blocks());
    if (signal == 0) {
      EXPECT_THAT(CALL(write(gate.wr(), "g", 1)), SucceedsWith(1));
    } else {
      holder.Signal(signal);
    }
    EXPECT_THAT(at_end.result(), SucceedsWith(0)) << (signal ? SignalName(signal) : "_exit");
  }
}

IPC_TEST_P(PipeProcess, EndOfAProcessClosesItsReadEnd, clause::exit::closes_pipe_ends) {
  Pipe p = Make();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  FillPipe(p.wr());
  Peer holder([&](Peer::Self& self) {
    CloseAllExcept({p.rd()});
    self.step([] { return CALL(getpid()); });
  });
  p.CloseRd();
  ThreadPeer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), "x", 1)); });
  EXPECT_THAT(call, Blocks());
  holder.Kill();
  EXPECT_THAT(call.result(), Fails(EPIPE));
}

// Prints its first argument on standard output; says which of the other numbers are open.
IPC_ROLE(pipe_print_token) {
  for (std::size_t i = 1; i < args.size(); ++i)
    self.Say(fcntl(std::stoi(args[i]), F_GETFD) >= 0 ? "open" : "closed");
  const std::string& token = args.at(0);
  return write(1, token.data(), token.size()) == static_cast<ssize_t>(token.size()) ? 0 : 1;
}

// Spawns this program in a role with the file actions; its exit status.
int Spawn(const posix_spawn_file_actions_t& actions, const std::string& role,
          const std::string& said, const std::vector<std::string>& args) {
  const std::vector<std::string> command = RoleCommand(role, said, args);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const CallResult spawned =
      CALL_ERRNO(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ));
  if (!spawned.ok()) Unresolved("set-up failed: " + Describe(spawned));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string ReadSaid(const std::string& path) {
  std::string text(200, '\0');
  Fd file(open(path.c_str(), O_RDONLY));
  const ssize_t got = read(file, text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

IPC_TEST_P(PipeProcess, SpawnMovesACloexecEndToStandardOutput, clause::spawn::pipe_adddup2) {
  Pipe p = Make(O_CLOEXEC), other = Make(O_CLOEXEC);
  const UniqueName said = UniqueName::Path(".said");
  posix_spawn_file_actions_t actions;
  ASSERT_EQ(posix_spawn_file_actions_init(&actions), 0);
  EXPECT_THAT(CALL_ERRNO(posix_spawn_file_actions_adddup2(&actions, p.wr(), 1)), Succeeds());
  EXPECT_EQ(Spawn(actions, "pipe_print_token", said.str(),
                  {"token", Number(p.rd()), Number(p.wr()), Number(other.wr())}),
            0);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(ReadSaid(said.str()), "closed\nclosed\nclosed\n")
      << "close-on-exec ends in the program";
  p.CloseWr();
  char got[10];
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), got, 10)); }), SucceedsWith(5));
  EXPECT_EQ(std::string(got, 5), "token");
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), got, 10)); }), SucceedsWith(0));
}

IPC_TEST_P(PipeProcess, SpawnDup2OfEqualNumbersClearsCloexec,
           clause::spawn::pipe_adddup2_same_number) {
  Pipe p = Make(O_CLOEXEC);
  const UniqueName said = UniqueName::Path(".said");
  posix_spawn_file_actions_t actions;
  ASSERT_EQ(posix_spawn_file_actions_init(&actions), 0);
  EXPECT_THAT(CALL_ERRNO(posix_spawn_file_actions_adddup2(&actions, p.wr(), p.wr())), Succeeds());
  ASSERT_EQ(Spawn(actions, "pipe_print_token", said.str(), {"", Number(p.wr()), Number(p.rd())}),
            0);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(ReadSaid(said.str()), "open\nclosed\n");
  EXPECT_EQ(fcntl(p.wr(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << "the parent's flag";
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
