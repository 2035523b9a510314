// Writes the C++ that the catalogue becomes.
#ifndef IPCSUITE_SPEC_GEN_EMIT_H_
#define IPCSUITE_SPEC_GEN_EMIT_H_

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "spec/gen/catalog.h"

namespace ipcsuite::gen {

// The text as a C++ string literal that says the same bytes whatever the source encoding.
std::string Literal(std::string_view text);

// spec/clauses.h: one constant for each clause and each regression.
void EmitHeader(const Catalog& catalog, std::ostream& out);

// The tables behind spec/tables.h.
void EmitTables(const Catalog& catalog, std::ostream& out);

// The generator's command: `gen HEADER TABLES YAML...`. Writes what is wrong to `errors`, one line
// each. Returns the exit status: 0, 1 (bad catalogue) or 2 (usage, unreadable or unwritable file).
int Generate(const std::vector<std::string>& args, std::ostream& errors);

}  // namespace ipcsuite::gen

#endif  // IPCSUITE_SPEC_GEN_EMIT_H_
