#include "spec/gen/emit.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>

namespace ipcsuite::gen {
namespace {

constexpr std::string_view kNotice = "// Generated from spec/*.yaml by spec/gen. Do not edit.\n";

std::string_view KindConstant(std::string_view kind) {
  static const std::map<std::string_view, std::string_view> kConstants = {
      {"shall", "kShall"},
      {"shall-error", "kShallError"},
      {"limit", "kLimit"},
      {"may-error", "kMayError"},
      {"should", "kShould"},
      {"unspecified", "kUnspecified"},
      {"implementation-defined", "kImplementationDefined"},
  };
  return kConstants.at(kind);
}

std::string_view IssueBits(std::string_view issue) {
  return issue == "7" ? "kIssue7" : issue == "8" ? "kIssue8" : "kIssue7 | kIssue8";
}

void EmitOrder(std::string_view name, const std::vector<Entry>& entries, std::ostream& out) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return entries[i].id; });
  out << "constexpr std::array<std::uint16_t, " << order.size() << "> " << name << " = {";
  for (std::size_t i = 0; i < order.size(); ++i)
    out << (i % 16 ? " " : "\n    ") << order[i] << ",";
  out << "\n};\n\n";
}

void EmitClause(const Entry& entry, std::ostream& out) {
  const auto text = [&](std::string_view field) { return Literal(entry.Field(field)) + "sv"; };
  out << "    {" << Literal(entry.id) << "sv, " << Literal(entry.interface) << "sv, "
      << text("function") << ",\n     " << text("source") << ",\n     "
      << IssueBits(entry.Field("issue")) << ", Kind::" << KindConstant(entry.Field("kind")) << ", "
      << text("level") << ",\n     " << text("requires") << ",\n     " << text("test_hint")
      << ",\n     " << text("linux") << ",\n     "
      << (entry.Field("verify") == "true" ? "true" : "false") << ", " << text("untestable")
      << "},\n";
}

void EmitRegression(const Entry& entry, std::size_t index, std::ostream& out) {
  const auto text = [&](std::string_view field) { return Literal(entry.Field(field)) + "sv"; };
  out << "    {" << Literal(entry.id) << "sv, " << Literal(entry.interface) << "sv,\n     "
      << text("where") << ", " << text("status") << ", " << text("basis") << ",\n     "
      << text("trigger") << ",\n     " << text("wrong_result") << ",\n     " << text("affected")
      << ", " << text("fixed") << ",\n     ";
  if (entry.clauses.empty()) {
    out << "{}},\n";
  } else {
    out << "kBroken" << index << "},\n";
  }
}

bool WriteFile(const std::string& path, const std::string& text, std::ostream& errors) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) errors << path << ": cannot be written\n";
  return !out.fail();
}

}  // namespace

std::string Literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += '\\';  // always three octal digits: what follows can't join them
      for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + ((byte >> shift) & 7));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void EmitHeader(const Catalog& catalog, std::ostream& out) {
  out << kNotice
      << "#ifndef IPCSUITE_SPEC_CLAUSES_H_\n#define IPCSUITE_SPEC_CLAUSES_H_\n\n"
         "#include \"spec/clause.h\"\n";
  std::map<std::string, std::vector<std::pair<std::string, std::size_t>>> scopes;
  for (std::size_t i = 0; i < catalog.clauses().size(); ++i) {
    const Constant constant = ClauseConstant(catalog.clauses()[i].id);
    scopes[constant.scope].emplace_back(constant.name, i);
  }
  for (const auto& [scope, constants] : scopes) {
    out << "\nnamespace ipcsuite::clause::" << scope << " {\n";
    for (const auto& [name, index] : constants) {
      out << "inline constexpr ClauseRef " << name << "{" << index << "};\n";
    }
    out << "}\n";
  }
  out << "\nnamespace ipcsuite::regression {\n";
  for (std::size_t i = 0; i < catalog.regressions().size(); ++i) {
    out << "inline constexpr RegressionRef " << RegressionConstant(catalog.regressions()[i].id).name
        << "{" << i << "};\n";
  }
  out << "}\n\n#endif  // IPCSUITE_SPEC_CLAUSES_H_\n";
}

void EmitTables(const Catalog& catalog, std::ostream& out) {
  out << kNotice
      << "#include \"spec/tables.h\"\n\n#include <array>\n\nnamespace ipcsuite::tables {\n"
         "namespace {\n\nusing namespace std::string_view_literals;\n\n";
  out << "constexpr std::array<Clause, " << catalog.clauses().size() << "> kClauses = {{\n";
  for (const Entry& entry : catalog.clauses()) EmitClause(entry, out);
  out << "}};\n\n";
  EmitOrder("kClausesById", catalog.clauses(), out);

  const auto& regressions = catalog.regressions();
  for (std::size_t i = 0; i < regressions.size(); ++i) {
    if (regressions[i].clauses.empty()) continue;
    out << "constexpr std::array<ClauseRef, " << regressions[i].clauses.size() << "> kBroken" << i
        << " = {{";
    for (const std::string& id : regressions[i].clauses) out << "{" << catalog.IndexOf(id) << "}, ";
    out << "}};\n";
  }
  out << "\nconstexpr std::array<Regression, " << regressions.size() << "> kRegressions = {{\n";
  for (std::size_t i = 0; i < regressions.size(); ++i) EmitRegression(regressions[i], i, out);
  out << "}};\n\n";
  EmitOrder("kRegressionsById", regressions, out);

  out << "}  // namespace\n\n"
         "std::span<const Clause> Clauses() { return kClauses; }\n"
         "std::span<const std::uint16_t> ClausesById() { return kClausesById; }\n"
         "std::span<const Regression> Regressions() { return kRegressions; }\n"
         "std::span<const std::uint16_t> RegressionsById() { return kRegressionsById; }\n\n"
         "}  // namespace ipcsuite::tables\n";
}

int Generate(const std::vector<std::string>& args, std::ostream& errors) {
  if (args.size() < 3) {
    errors << "usage: gen HEADER TABLES YAML...\n";
    return 2;
  }
  Catalog catalog;
  for (std::size_t i = 2; i < args.size(); ++i) {
    std::ifstream in(args[i], std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) {
      errors << args[i] << ": cannot be read, or is empty\n";
      return 2;
    }
    catalog.Add(args[i], text.str());
  }
  catalog.CheckAll();
  if (!catalog.errors().empty()) {
    for (const std::string& error : catalog.errors()) errors << error << "\n";
    return 1;
  }
  std::ostringstream header;
  std::ostringstream tables;
  EmitHeader(catalog, header);
  EmitTables(catalog, tables);
  return WriteFile(args[0], header.str(), errors) && WriteFile(args[1], tables.str(), errors) ? 0
                                                                                              : 2;
}

}  // namespace ipcsuite::gen
