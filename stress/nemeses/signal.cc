// Storms of signals that every process catches, in turn with and without SA_RESTART.
#include <signal.h>

#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

void Storm(NemesisDriver& driver) {
  const int number = StormSignal(driver.options().storm_restart);
  for (int i = 0; i < driver.options().spec.workers(); ++i) {
    if (driver.alive(i) && kill(driver.pid(i), number) == 0) driver.Note(i, number);
  }
}

const Row<NemesisInfo> kSignal({
    .name = "signal",
    .help = "storms of caught signals, with and without SA_RESTART",
    .counted = "signals",
    .mark = {"signal", 's', "#8a8a8a"},
    .period = 500us,
    .interrupts = true,
    .applies = [](const SliceOptions& options,
                  const std::vector<int>&) { return options.info->signals; },
    .act = &Storm,
});

}  // namespace
}  // namespace ipcsuite::stress
