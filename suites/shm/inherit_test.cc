// What becomes of mappings and descriptors at fork, exec and the end of a process.
#include <pthread.h>
#include <sys/wait.h>

#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// Stays until told to go: what its process held before exec must be gone meanwhile.
IPC_ROLE(shm_stay) {
  self.Say("here");
  return self.Await("go") ? 0 : 1;
}

// Says whether the name stands in this process's map of memory. Argument: the name.
IPC_ROLE(shm_report_map) {
  std::FILE* map = std::fopen("/proc/self/maps", "re");
  if (!map) return 1;
  char line[1024];
  bool seen_self = false, seen = false;
  while (std::fgets(line, sizeof line, map)) {
    const std::string text = line;
    seen_self = seen_self || text.find("r-xp") != std::string::npos ||
                text.find("r-x") != std::string::npos;
    seen = seen || text.find(args.at(0)) != std::string::npos;
  }
  std::fclose(map);
  if (!seen_self) return 1;
  self.Say(seen ? "mapped" : "not mapped");
  return 0;
}

IPC_TEST(ShmFork, MappingsKeepAddressAndType, clause::mmap::fork_type_retained) {
  const std::size_t size = Pages(2);
  ShmObject object(size);
  Mapping shared = Mapping::Of(object, size);
  Mapping copy = Mapping::Of(object, size, Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  Mapping readable = Mapping::Of(object, size, PROT_READ);
  Fill(shared.data(), size, 1);
  InChild([&] {
    EXPECT_EQ(FirstMismatch(shared.data(), size, 1), size);
    EXPECT_EQ(FirstMismatch(readable.data(), size, 1), size);
    EXPECT_THAT(WriteByte(readable.data(), 'x'), FaultsWith(SIGSEGV))
        << "the protection is inherited too";
    Fill(copy.data(), size, 3);
    Fill(shared.data(), size, 2);
    EXPECT_EQ(FirstMismatch(copy.data(), size, 3), size) << "the private mapping became shared";
  });
  EXPECT_EQ(FirstMismatch(shared.data(), size, 2), size) << "the shared store";
  // The private mapping was not written here: it may show the object as it was or as it is.
  EXPECT_NE(copy[0], PatternAt(0, 3)) << "the child's private store";
}

IPC_TEST(ShmFork, PrivateStoresBeforeAreSeen, clause::mmap::fork_private_before) {
  ShmObject object(PageSize());
  Mapping copy = Mapping::Of(object, PageSize(), Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  Fill(copy.data(), PageSize(), 5);
  InChild([&] { EXPECT_EQ(FirstMismatch(copy.data(), PageSize(), 5), PageSize()); });
}

IPC_TEST(ShmFork, PrivateStoresAfterAreSeenByTheStorerOnly, clause::mmap::fork_private_after) {
  const std::size_t size = PageSize();
  ShmObject object(size);
  Mapping copy = Mapping::Of(object, size, Mapping::PROT_READ_WRITE, MAP_PRIVATE);
  Fill(copy.data(), size, 1);  // so that both processes begin with one copied page
  Peer child([&](Peer::Self& self) {
    self.step([&] { return Fill(copy.data(), size, 2), CALL(0); });
    self.step([&] { return CALL(static_cast<long>(FirstMismatch(copy.data(), size, 2))); });
  });
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_EQ(FirstMismatch(copy.data(), size, 1), size) << "the child's store reached the parent";
  Fill(copy.data(), size, 3);
  EXPECT_THAT(child.next().result(), SucceedsWith(size)) << "the parent's store reached the child";
  EXPECT_EQ(FirstMismatch(copy.data(), size, 3), size);
}

IPC_TEST(ShmFork, DescriptorIsInherited, clause::mmap::fork_fd_inherited) {
  ShmObject object(10);
  InChild([&] {
    EXPECT_THAT(CALL(ftruncate(object, static_cast<off_t>(PageSize()))), SucceedsWith(0));
    Mapping view = Mapping::Of(object, PageSize());
    Fill(view.data(), PageSize());
  });
  EXPECT_EQ(SizeOf(object), static_cast<std::int64_t>(PageSize()));
  Mapping view = Mapping::Of(object, PageSize());
  EXPECT_EQ(FirstMismatch(view.data(), PageSize()), PageSize());
}

IPC_TEST(ShmExec, NewProgramHasNoMapping, clause::mmap::exec_unmapped) {
  ShmObject object(PageSize());
  Mapping view = Mapping::Of(object, PageSize());
  ExecSelf program("shm_report_map", {object.name()});
  if (program.Wait() != 0)
    Unsupported("the map of a process can't be read here: needs /proc/self/maps");
  NoteChecks();
  EXPECT_EQ(program.said(), "not mapped\n");
}

IPC_TEST(ShmExec, ReferencesAreDropped, clause::mmap::exec_unmapped) {
  constexpr std::size_t kQuarter = 256 * 1024;
  InChild([&] {
    EnterPrivatePlace("size=1m,mode=1777");
    std::vector<std::unique_ptr<ExecSelf>> programs;
    for (int round = 0; round < 7; ++round) {
      ShmObject object(kQuarter);
      ASSERT_THAT(Reserve(object, kQuarter), SucceedsWith(0))
          << "memory that exec should have given back is still in use, round " << round;
      Mapping view = Mapping::Of(object, kQuarter);
      Setup(CALL(shm_unlink(object.name())));
      programs.push_back(std::make_unique<ExecSelf>("shm_stay"));
      programs.back()->AwaitSaid("here");
    }
    for (auto& program : programs) program->Tell("go");
    for (auto& program : programs) {
      // They wait for 20 s of real time each, on slow machines too.
      if (program->Wait() != 0) Unresolved("a program of the suite gave up before its test ended");
    }
  });
}

IPC_TEST(ShmExit, StoresOutliveAKilledProcess, clause::mmap::exit_data_survives) {
  const std::size_t size = PageSize() + 77;
  for (bool killed : {true, false}) {
    ShmObject object(size);
    Peer writer([&](Peer::Self& self) {
      Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
      Mapping view = Mapping::Of(own, size);
      self.step([&] { return Fill(view.data(), size), CALL(0); });
      if (!killed) _exit(0);
      self.step([] { return CALL(0); });
    });
    EXPECT_THAT(writer.next().result(), SucceedsWith(0));
    if (killed) writer.Kill();
    const int status = writer.Join();
    ASSERT_EQ(WIFSIGNALED(status), killed);
    Mapping view = Mapping::Of(object, size, PROT_READ);
    EXPECT_EQ(FirstMismatch(view.data(), size), size);
  }
}

IPC_TEST(ShmExit, LastReferenceOfAKilledProcessGoes, clause::mmap::exit_unmapped) {
  ShmObject object(PageSize());
  Peer holder([&](Peer::Self& self) {
    Fd own(CALL(shm_open(object.name(), O_RDWR, 0)));
    Mapping view = Mapping::Of(own, PageSize());
    self.step([&] { return Fill(view.data(), PageSize()), CALL(0); });
    self.step([] { return CALL(0); });
  });
  EXPECT_THAT(holder.next().result(), SucceedsWith(0));
  Setup(CALL(shm_unlink(object.name())));
  object.owner().reset();
  holder.Kill();
  const CallResult created = Create(object.name());
  ASSERT_THAT(created, Succeeds());
  Fd fresh(created.fd());
  EXPECT_EQ(SizeOf(fresh), 0);
}

IPC_TEST(ShmExit, SynchronizationAfterTheLastUnmapIsUndefined,
         clause::mmap::sync_objects_after_unmap) {
  ShmObject object(PageSize());
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) != 0)
    Unsupported("mutexes can't be shared between processes");
  {
    Mapping view = Mapping::Of(object, PageSize());
    auto* mutex = reinterpret_cast<pthread_mutex_t*>(view.data());
    pthread_mutex_init(mutex, &attributes);
    pthread_mutex_lock(mutex);
  }
  Mapping view = Mapping::Of(object, PageSize());
  const int error = pthread_mutex_trylock(reinterpret_cast<pthread_mutex_t*>(view.data()));
  Observe(clause::mmap::sync_objects_after_unmap,
          "trylock of a mutex that was locked before the last unmap",
          error == 0 ? "success" : ErrnoName(error));
}

}  // namespace
}  // namespace ipcsuite::shm_suite
