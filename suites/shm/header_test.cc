// <sys/mman.h> alone must declare everything that is used here: nothing may be included before it.
#include <sys/mman.h>

namespace {

template <typename A, typename B>
constexpr bool kSame = false;
template <typename A>
constexpr bool kSame<A, A> = true;

// C++ libraries may add a promise not to throw to a function's type: the conversion drops it.
int (*const shm_open_pointer)(const char*, int, mode_t) = shm_open;
int (*const shm_unlink_pointer)(const char*) = shm_unlink;
void* (*const mmap_pointer)(void*, size_t, int, int, int, off_t) = mmap;
int (*const munmap_pointer)(void*, size_t) = munmap;
int (*const mprotect_pointer)(void*, size_t, int) = mprotect;

static_assert(kSame<decltype(MAP_FAILED), void*>);
constexpr int kProtections = PROT_NONE | PROT_READ | PROT_WRITE | PROT_EXEC;
constexpr int kFlags = MAP_SHARED | MAP_PRIVATE | MAP_FIXED;
static_assert((PROT_READ & PROT_WRITE) == 0 && (PROT_READ & PROT_EXEC) == 0 &&
              (PROT_WRITE & PROT_EXEC) == 0);
static_assert(MAP_SHARED != MAP_PRIVATE && (MAP_FIXED & (MAP_SHARED | MAP_PRIVATE)) == 0);

}  // namespace

namespace ipcsuite::shm_suite {
using Function = void (*)();
extern const Function kMmanFunctions[];
extern const int kMmanConstants[];
const Function kMmanFunctions[] = {
    reinterpret_cast<Function>(shm_open_pointer), reinterpret_cast<Function>(shm_unlink_pointer),
    reinterpret_cast<Function>(mmap_pointer),     reinterpret_cast<Function>(munmap_pointer),
    reinterpret_cast<Function>(mprotect_pointer), nullptr};
const int kMmanConstants[] = {kProtections, kFlags, 0};
}  // namespace ipcsuite::shm_suite
