// <semaphore.h>, the limits and the option.
#include <limits.h>
#include <unistd.h>

#include <list>
#include <type_traits>

#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_TEST(SemaphoreHeader, DeclaresTypesAndFunctions, clause::semaphore_h::declarations) {
  // That this compiles says that the functions exist with these parameters.
  int (*const of_sem[])(sem_t*) = {&::sem_close, &::sem_destroy, &::sem_post, &::sem_trywait,
                                   &::sem_wait};
  for (const auto function : of_sem) EXPECT_TRUE(function != nullptr);
  int (*const getvalue)(sem_t*, int*) = &::sem_getvalue;
  int (*const init)(sem_t*, int, unsigned) = &::sem_init;
  sem_t* (*const open)(const char*, int, ...) = &::sem_open;
  int (*const timedwait)(sem_t*, const timespec*) = &::sem_timedwait;
  int (*const unlink)(const char*) = &::sem_unlink;
  EXPECT_TRUE(getvalue && init && open && timedwait && unlink);
  EXPECT_TRUE((std::is_same_v<std::remove_cvref_t<decltype(SEM_FAILED)>, sem_t*>))
      << "the type of SEM_FAILED";
  NoteChecks();
}

IPC_TEST(SemaphoreHeader, DeclaresSemClockwait, clause::semaphore_h::sem_clockwait) {
  NoteChecks();
  if (!kHasClockwait && _POSIX_VERSION < 202405L)
    Unsupported("sem_clockwait() is not declared, and Issue 8 is not claimed");
  EXPECT_TRUE(kHasClockwait) << "_POSIX_VERSION is " << _POSIX_VERSION;
}

IPC_TEST(SemLimits, LargestValue, clause::sem::limit_value_max) {
  const CallResult got = CALL(sysconf(_SC_SEM_VALUE_MAX));
  NoteChecks();
  EXPECT_TRUE(got.value == -1 || got.value >= 32767) << got.value;
#ifdef SEM_VALUE_MAX
  EXPECT_GE(static_cast<long long>(SEM_VALUE_MAX), 32767);
  if (got.value != -1) {
    EXPECT_EQ(got.value, static_cast<long long>(SEM_VALUE_MAX)) << "sysconf() and <limits.h>";
  }
#endif
  ObserveFact("SEM_VALUE_MAX", std::to_string(ValueMax()));
}

IPC_TEST(SemLimits, ManySemaphoresAtATime, clause::sem::limit_nsems_max) {
  const CallResult limit = CALL(sysconf(_SC_SEM_NSEMS_MAX));
  NoteChecks();
  EXPECT_TRUE(limit.value == -1 || limit.value >= 256) << limit.value;
  EXPECT_TRUE(limit.value != -1 || limit.error == 0) << "no limit is no error";
  // {_POSIX_SEM_NSEMS_MAX} is for named and unnamed ones together.
  std::list<Semaphore> all;
  for (int i = 0; i < 128; ++i) {
    all.emplace_back(SemKind::kNamed, static_cast<unsigned>(i));
    all.emplace_back(SemKind::kPrivate, static_cast<unsigned>(i));
  }
  int i = 0;
  for (const Semaphore& sem : all) EXPECT_EQ(ValueOf(sem), i++ / 2);
  NoteChecks();
}

IPC_TEST(SemLimits, OptionIsOfTheBase, clause::sem::option_always) {
  const CallResult got = CALL(sysconf(_SC_SEMAPHORES));
  NoteChecks();
  EXPECT_EQ(got.value, sysconf(_SC_VERSION)) << "sysconf(_SC_SEMAPHORES)";
#ifdef _POSIX_SEMAPHORES
  EXPECT_GT(_POSIX_SEMAPHORES + 0, 0);
#else
  ADD_FAILURE() << "_POSIX_SEMAPHORES is not defined";
#endif
}

IPC_TEST(SemLimits, DescriptorsUsed, clause::sem::fd_backed, clause::sem_close::closes_fd,
         clause::sem_destroy::closes_fd) {
  const int lowest = LowestFreeFd();
  {
    const Semaphore named(SemKind::kNamed);
    Observe(clause::sem::fd_backed, "a named semaphore holds a descriptor",
            LowestFreeFd() == lowest ? "no" : "yes");
  }
  {
    const ForClause scope(clause::sem_close::closes_fd);
    NoteChecks();
    EXPECT_EQ(LowestFreeFd(), lowest) << "after sem_close()";
  }
  { const Semaphore unnamed(SemKind::kPrivate); }
  const ForClause scope(clause::sem_destroy::closes_fd);
  NoteChecks();
  EXPECT_EQ(LowestFreeFd(), lowest) << "after sem_destroy()";
}

}  // namespace
}  // namespace ipcsuite::sem_suite
