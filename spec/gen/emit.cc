#include "spec/gen/emit.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>

namespace ipcsuite::gen {
namespace {

constexpr std::string_view kNotice = "// Generated from spec/*/*.yaml by spec/gen. Do not edit.\n";

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

std::string TextBits(const Entry& entry) {
  std::string bits;
  for (const std::string& text : entry.text) {
    bits += (bits.empty() ? "" : " | ") + std::string(text == "issue-7"   ? "kReadIssue7"
                                                      : text == "issue-8" ? "kReadIssue8"
                                                                          : "kReadTranscription");
  }
  return bits.empty() ? "0" : bits;
}

void EmitClause(const Entry& entry, std::size_t index, std::ostream& out) {
  const auto text = [&](std::string_view field) { return Literal(entry.Field(field)) + "sv"; };
  out << "    {" << Literal(entry.id) << "sv, " << Literal(entry.interface) << "sv, "
      << text("function") << ",\n     " << text("source") << ",\n     "
      << IssueBits(entry.Field("issue")) << ", Kind::" << KindConstant(entry.Field("kind")) << ", "
      << text("level") << ",\n     " << text("requires") << ",\n     " << text("test_hint")
      << ",\n     " << text("linux") << ",\n     " << text("untestable") << ",\n     "
      << TextBits(entry) << ", ";
  if (entry.readings.empty()) {
    out << "{}, {}},\n";
  } else {
    out << "kReadings" << index << ", " << text("decides") << "},\n";
  }
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

void EmitHeader(const Catalog& catalog, const std::string& file, std::ostream& out) {
  std::map<std::string, std::map<std::string, std::string>> scopes;  // scope, name: the constant
  const auto add = [&](const Entry& entry, const Constant& constant, const std::string& scope,
                       const std::string& type) {
    if (entry.place.file != file) return;
    scopes[scope][constant.name] = type + " " + constant.name + "{" + Literal(entry.id) + "};\n";
  };
  for (const Entry& entry : catalog.clauses()) {
    const Constant constant = ClauseConstant(entry.id);
    add(entry, constant, "clause::" + constant.scope, "ClauseRef");
  }
  for (const Entry& entry : catalog.regressions()) {
    add(entry, RegressionConstant(entry.id), "regression", "RegressionRef");
  }
  out << kNotice << "#pragma once\n\n#include \"spec/clause.h\"\n";
  for (const auto& [scope, constants] : scopes) {
    out << "\nnamespace ipcsuite::" << scope << " {\n";
    for (const auto& [name, constant] : constants) out << "inline constexpr " << constant;
    out << "}\n";
  }
}

void EmitTables(const Catalog& catalog, std::ostream& out) {
  out << kNotice
      << "#include \"spec/tables.h\"\n\n#include <array>\n\nnamespace ipcsuite::tables {\n"
         "namespace {\n\nusing namespace std::string_view_literals;\n\n";
  const auto& clauses = catalog.clauses();
  for (std::size_t i = 0; i < clauses.size(); ++i) {
    if (clauses[i].readings.empty()) continue;
    out << "constexpr std::array<std::string_view, " << clauses[i].readings.size() << "> kReadings"
        << i << " = {{";
    for (const std::string& reading : clauses[i].readings) out << Literal(reading) << "sv, ";
    out << "}};\n";
  }
  out << "constexpr std::array<Clause, " << clauses.size() << "> kClauses = {{\n";
  for (std::size_t i = 0; i < clauses.size(); ++i) EmitClause(clauses[i], i, out);
  out << "}};\n\n";
  EmitOrder("kClausesById", catalog.clauses(), out);

  const auto& regressions = catalog.regressions();
  for (std::size_t i = 0; i < regressions.size(); ++i) {
    if (regressions[i].clauses.empty()) continue;
    out << "constexpr std::array<ClauseRef, " << regressions[i].clauses.size() << "> kBroken" << i
        << " = {{";
    for (const std::string& id : regressions[i].clauses) out << "{" << Literal(id) << "sv}, ";
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
  if (args.size() < 2) {
    errors << "usage: gen DIR YAML...\n";
    return 2;
  }
  Catalog catalog;
  for (std::size_t i = 1; i < args.size(); ++i) {
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
  const std::filesystem::path dir(args[0]);
  for (std::size_t i = 1; i < args.size(); ++i) {
    std::ostringstream header;
    EmitHeader(catalog, args[i], header);
    std::filesystem::path path(args[i]);
    path = dir / path.parent_path().filename() / path.filename().replace_extension(".h");
    if (!WriteFile(path, header.str(), errors)) return 2;
  }
  std::ostringstream tables;
  EmitTables(catalog, tables);
  return WriteFile(dir / "clause_tables.cc", tables.str(), errors) ? 0 : 2;
}

}  // namespace ipcsuite::gen
