// SIGKILL: a process dies in mid-call, and its successor goes on with the same objects.
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

const Row<NemesisInfo> kKill({
    .name = "kill",
    .help = "SIGKILL in mid-call; a new process takes over",
    .counted = "kills",
    .mark = {"kill", 'K', "#d55e00"},
    .period = 1500us,
    .kills = true,
    .lists_acts = true,
    .counts_calls = true,
    .applies =
        [](const SliceOptions& options, const std::vector<int>&) {
          const std::size_t size = options.spec.size_bytes;
          return size <= options.info->kill_producer_upto ||
                 size <= options.info->kill_consumer_upto;
        },
    .act =
        [](NemesisDriver& driver) {
          if (const int victim = driver.PickMortal(); victim >= 0) driver.Kill(victim);
        },
});

}  // namespace
}  // namespace ipcsuite::stress
