// The result model itself: every other format can be made from this file.
#include "reports/formats/format.h"
#include "reports/results/json.h"

namespace ipcsuite::report {
namespace {

const RegisterFormat kRow({.name = "json",
                           .file = "results.json",
                           .help = "everything; all other formats can be made from it",
                           .render = ToJson});

}  // namespace
}  // namespace ipcsuite::report
