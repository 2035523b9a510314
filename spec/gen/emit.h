// Writes the C++ that the catalogue becomes.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "spec/gen/catalog.h"

namespace ipcsuite::gen {

// The text as a C++ string literal that says the same bytes whatever the source encoding.
std::string Literal(std::string_view text);

// The header of one YAML file: a constant for each of its clauses or regressions. It depends on the
// ids alone, not on the order or the words of the entries.
void EmitHeader(const Catalog& catalog, const std::string& file, std::ostream& out);

// The tables behind spec/tables.h.
void EmitTables(const Catalog& catalog, std::ostream& out);

// The generator's command: `gen DIR YAML...` writes DIR/FOLDER/NAME.h for each file
// FOLDER/NAME.yaml, and DIR/clause_tables.cc. Writes what is wrong to `errors`, one line each.
// Returns the exit status: 0, 1 (bad catalogue) or 2 (usage, unreadable or unwritable file).
int Generate(const std::vector<std::string>& args, std::ostream& errors);

}  // namespace ipcsuite::gen
