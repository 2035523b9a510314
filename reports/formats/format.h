// Private to reports/formats: how a format's file adds its row.
//
//   const RegisterFormat kRow({.name = "tap", .file = "results.tap", .help = "...",
//                              .render = RenderTap});
#pragma once

#include "reports/formats/report.h"

namespace ipcsuite::report {

struct RegisterFormat {
  explicit RegisterFormat(const Format& row);
};

}  // namespace ipcsuite::report
