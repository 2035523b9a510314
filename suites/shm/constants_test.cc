// Options, headers and limits that programs read before they use shared memory objects.
#include <limits.h>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {

// In header_test.cc, which includes <sys/mman.h> alone.
extern void (*const kMmanFunctions[])();
extern const int kMmanConstants[];

namespace {

// The values that an option constant may have in an issue that this suite knows.
bool IsEdition(long value) { return value == 200809L || value == 202405L; }

IPC_TEST(ShmConstants, OptionHasAValueOfItsEdition, clause::shm::option_constant) {
#ifdef _POSIX_SHARED_MEMORY_OBJECTS
  constexpr long value = _POSIX_SHARED_MEMORY_OBJECTS;
  Observe(clause::shm::option_constant, "_POSIX_SHARED_MEMORY_OBJECTS", value);
  NoteChecks();
  NoteChecks();
  EXPECT_TRUE(value == -1 || value == 0 || IsEdition(value)) << value;
#else
  Observe(clause::shm::option_constant, "_POSIX_SHARED_MEMORY_OBJECTS", "undefined");
#endif
}

IPC_TEST(ShmConstants, SysconfAgreesWithTheHeaderAndTheInterface,
         clause::sysconf::shared_memory_objects) {
  const CallResult said = CALL(sysconf(_SC_SHARED_MEMORY_OBJECTS));
  Observe(clause::sysconf::shared_memory_objects, "sysconf", said.value);
  ASSERT_TRUE(said.value == -1 || IsEdition(said.value)) << said.value;
  EXPECT_EQ(said.error, 0) << "errno must stay unchanged";
#ifdef _POSIX_SHARED_MEMORY_OBJECTS
  constexpr long header = _POSIX_SHARED_MEMORY_OBJECTS;
  EXPECT_TRUE(header <= 0 || said.value > 0) << "the header promises the option";
  EXPECT_TRUE(header != -1 || said.value == -1) << "the header denies the option";
#endif
  if (said.value <= 0) return;
  UniqueName name = UniqueName::Shm();
  const CallResult opened = Create(name.c_str());
  EXPECT_THAT(opened, Succeeds()) << "sysconf() says that the option is supported";
  Fd owner(opened.fd());
}

IPC_TEST(ShmConstants, PageSizeIsPositiveAndConstant, clause::sysconf::pagesize) {
  const CallResult first = CALL(sysconf(_SC_PAGESIZE));
  EXPECT_THAT(first, Succeeds());
  EXPECT_GE(first.value, 1);
  Observe(clause::sysconf::pagesize, "pagesize", first.value);
  Peer child;
  EXPECT_THAT(child.start([] { return CALL(sysconf(_SC_PAGESIZE)); }).result(),
              SucceedsWith(first.value));
  EXPECT_THAT(CALL(sysconf(_SC_PAGESIZE)), SucceedsWith(first.value));
#ifdef PAGESIZE
  EXPECT_EQ(static_cast<long>(PAGESIZE), first.value);
#endif
  // The size is the granule of mapping: the byte before a page's end is mapped, the next is not.
  Region region(2);
  Setup(CALL(mprotect(region.at(0), 1, PROT_READ)));
  EXPECT_THAT(ReadByte(region.at(0) + first.value - 1), CompletesWith(0));
  EXPECT_THAT(ReadByte(region.at(0) + first.value), FaultsWith(SIGSEGV));
}

IPC_TEST(ShmConstants, PageSizeHasASynonym, clause::sysconf::page_size_synonym) {
#ifdef _SC_PAGE_SIZE
  const CallResult size = CALL(sysconf(_SC_PAGESIZE));
  EXPECT_THAT(CALL(sysconf(_SC_PAGE_SIZE)), SucceedsWith(size.value));
#else
  Unsupported("_SC_PAGE_SIZE is of XSI, which is not declared");
#endif
}

IPC_TEST(ShmConstants, MappingAndProtectionAreAlwaysThere, clause::sysconf::mapped_files_always) {
  ForClause scope(clause::sysconf::mapped_files_always);
#if defined(_POSIX_MAPPED_FILES) && defined(_POSIX_MEMORY_PROTECTION)
  EXPECT_TRUE(IsEdition(_POSIX_MAPPED_FILES)) << _POSIX_MAPPED_FILES;
  EXPECT_TRUE(IsEdition(_POSIX_MEMORY_PROTECTION)) << _POSIX_MEMORY_PROTECTION;
#else
  ADD_FAILURE() << "_POSIX_MAPPED_FILES or _POSIX_MEMORY_PROTECTION is undefined";
#endif
  const CallResult mapped = CALL(sysconf(_SC_MAPPED_FILES));
  const CallResult protection = CALL(sysconf(_SC_MEMORY_PROTECTION));
  EXPECT_THAT(mapped, Succeeds());
  EXPECT_THAT(protection, Succeeds());
  EXPECT_TRUE(IsEdition(mapped.value)) << mapped.value;
  EXPECT_TRUE(IsEdition(protection.value)) << protection.value;
}

// Judged by the compiler: without the declarations header_test.cc would not compile.
IPC_TEST(ShmConstants, MmanHeaderDeclaresAll, clause::sys_mman_h::declarations) {
  NoteChecks();
  for (int i = 0; i < 5; ++i) EXPECT_NE(kMmanFunctions[i], nullptr);
  EXPECT_NE(kMmanConstants[0], 0);
  EXPECT_NE(kMmanConstants[1], 0);
}

IPC_TEST(ShmConstants, MapAnonymousHasASynonym, clause::sys_mman_h::map_anonymous) {
#if defined(MAP_ANONYMOUS) && defined(MAP_ANON)
  NoteChecks();
  EXPECT_EQ(MAP_ANONYMOUS, MAP_ANON);
#elif _POSIX_VERSION >= 202405L
  NoteChecks();
  ADD_FAILURE() << "MAP_ANONYMOUS and MAP_ANON must both be defined";
#else
  Unsupported("MAP_ANONYMOUS or MAP_ANON is not defined, and the header does not claim issue 8");
#endif
}

IPC_TEST(ShmConstants, TypeIsShmOnlyForObjects, clause::sys_stat_h::s_typeisshm) {
#ifdef S_TYPEISSHM
  ShmObject object;
  struct stat status = StatOf(object);
  Observe(clause::sys_stat_h::s_typeisshm, "of an object", S_TYPEISSHM(&status) ? "nonzero" : "0");
  Pipe pipe;
  status = StatOf(pipe.rd());
  EXPECT_FALSE(S_TYPEISSHM(&status)) << "of a pipe";
  UniqueName path = UniqueName::Path();
  Fd file(CALL(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600)));
  status = StatOf(file);
  EXPECT_FALSE(S_TYPEISSHM(&status)) << "of a regular file";
#else
  ForClause scope(clause::sys_stat_h::s_typeisshm);
  NoteChecks();
  ADD_FAILURE() << "S_TYPEISSHM is not defined";
#endif
}

}  // namespace
}  // namespace ipcsuite::shm_suite
