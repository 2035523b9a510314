// Reads and checks the catalogue's YAML files. Part of the generator, which runs on the building
// machine only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace ipcsuite::gen {

// A place in a YAML file, printed as "file:line".
struct Place {
  std::string file;
  int line = 0;  // from 1
};

// One entry: the place of its id, and its fields as they were written (folded text without the
// spaces around it).
struct Entry {
  std::string id;
  std::string interface;
  Place place;
  std::map<std::string, std::string, std::less<>> fields;
  std::vector<std::string> clauses;   // of a regression: the ids that it names
  std::vector<std::string> text;      // of a clause: the texts that were read; empty: unread
  std::vector<std::string> readings;  // of a disputed clause

  // The field's text; empty if absent.
  std::string_view Field(std::string_view name) const;
};

// A constant of the generated header.
struct Constant {
  std::string scope;  // the namespace below ipcsuite::clause; empty for regressions
  std::string name;
};

// The constant for a clause's id: mq_send.full.eagain -> {mq_send, full_eagain}. A name that C++ or
// a header's macro has taken gets a trailing underscore, one that begins with a digit a leading
// one.
Constant ClauseConstant(std::string_view id);

// The constant for a regression's id: linux.some_bug -> {"", linux_some_bug}.
Constant RegressionConstant(std::string_view id);

class Catalog {
 public:
  // Adds the entries of one file. A file in a folder "regressions" holds regressions, any other
  // holds clauses. What is wrong is added to errors().
  void Add(const std::string& file, const std::string& text);

  // Checks what needs all files: ids used twice, constants that collide, clauses that are named but
  // don't exist. Call it once, after the last Add.
  void CheckAll();

  const std::vector<Entry>& clauses() const { return clauses_; }
  const std::vector<Entry>& regressions() const { return regressions_; }

  // One line each: "file:line: what is wrong". Empty if the catalogue is sound.
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  void Error(const Place& place, const std::string& what);
  void ReadField(const std::string& name, const YAML::Node& value, bool regression, Entry& entry);
  void ReadDispute(const YAML::Node& value, const Place& place, Entry& entry);
  std::vector<std::string> ReadTexts(const YAML::Node& value, const Place& place);
  void CheckFields(const Entry& entry, bool regression);
  void CheckNames(const std::vector<Entry>& entries, bool regression);

  std::vector<Entry> clauses_;
  std::vector<Entry> regressions_;
  std::vector<std::string> errors_;
};

}  // namespace ipcsuite::gen
