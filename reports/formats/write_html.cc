// The page of one run (reports/page).
#include "reports/formats/format.h"
#include "reports/page/html_run.h"

namespace ipcsuite::report {
namespace {

const RegisterFormat kRow({.name = "html",
                           .file = "report.html",
                           .help = "one page that works offline",
                           .render = RenderHtml});

}  // namespace
}  // namespace ipcsuite::report
