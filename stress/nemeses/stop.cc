// SIGSTOP and SIGCONT: a process holds still for 1 to 10 ms, wherever it is.
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

const Row<NemesisInfo> kStop({
    .name = "stop",
    .help = "SIGSTOP, and SIGCONT 1 to 10 ms later",
    .counted = "stops",
    .mark = {"stop", 'S', "#0072b2"},
    .end_mark = {"continue", 'C', "#009e73"},
    .period = 15ms,
    .lists_acts = true,
    .counts_calls = true,
    .act =
        [](NemesisDriver& driver) {
          const int victim = driver.PickVictim();
          if (victim < 0) return;
          driver.Stop(victim, nanoseconds(1ms) + nanoseconds(driver.random().Below(9'000'000)));
        },
});

}  // namespace
}  // namespace ipcsuite::stress
