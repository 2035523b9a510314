// The result of `ipcsuite detect` in the report of a run: whether each clause is proven.
#pragma once

#include <string>

#include "reports/model.h"

namespace ipcsuite::cli {

// Reads a detection.json. With an empty path: the one in the directory of the reports, if there is
// one. False and *error (one line) if the file can't be read or is no detection.json.
bool LoadDetection(const std::string& path, const std::string& out, std::string* document, std::string* error);

// Puts the document into the run and its verdicts ("proven", "unproven", "no fault") into the
// clauses. Nothing if the document is empty.
void FoldDetection(const std::string& document, report::Run* run);

}  // namespace ipcsuite::cli
