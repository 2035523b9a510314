#include "reports/results/schema_check.h"

#include <algorithm>
#include <regex>
#include <set>

#include <nlohmann/json.hpp>

namespace ipcsuite::report {
namespace {

using Json = nlohmann::json;

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  void Check(const Json& schema, const Json& value, const std::string& where) {
    static const std::set<std::string> notes = {"$schema", "title", "description", "$defs"};
    for (const auto& [key, rule] : schema.items()) {
      if (!notes.count(key)) Rule(schema, key, rule, value, where);
    }
  }
  std::string errors;

 private:
  void Bad(const std::string& where, const std::string& what) {
    errors += (where.empty() ? "/" : where) + ": " + what + "\n";
  }

  static bool Is(const Json& value, const std::string& type) {
    return type == "object"    ? value.is_object()
           : type == "array"   ? value.is_array()
           : type == "string"  ? value.is_string()
           : type == "integer" ? value.is_number_integer()
           : type == "number"  ? value.is_number()
           : type == "boolean" ? value.is_boolean()
           : type == "null"    ? value.is_null()
                               : false;
  }

  void Rule(const Json& schema, const std::string& key, const Json& rule, const Json& value,
            const std::string& where) {
    if (key == "type") {
      const Json types = rule.is_array() ? rule : Json::array({rule});
      const bool fits =
          std::any_of(types.begin(), types.end(), [&](const Json& t) { return Is(value, t); });
      if (!fits) Bad(where, "is no " + rule.dump());
    } else if (key == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end())
        Bad(where, value.dump() + " is none of " + rule.dump());
    } else if (key == "$ref") {
      Check(root_.at(Json::json_pointer(rule.get<std::string>().substr(1))), value, where);
    } else if (key == "anyOf") {
      const bool fits = std::any_of(rule.begin(), rule.end(), [&](const Json& one) {
        Checker inner(root_);
        inner.Check(one, value, where);
        return inner.errors.empty();
      });
      if (!fits) Bad(where, "fits none of the alternatives");
    } else {
      Members(schema, key, rule, value, where);
    }
  }

  void Members(const Json& schema, const std::string& key, const Json& rule, const Json& value,
               const std::string& where) {
    if (key == "required") {
      for (const Json& name : rule) {
        if (value.is_object() && !value.contains(name.get<std::string>()))
          Bad(where, "lacks " + name.dump());
      }
    } else if (key == "properties") {
      for (const auto& [name, one] : rule.items()) {
        if (value.is_object() && value.contains(name)) Check(one, value[name], where + "/" + name);
      }
    } else if (key == "additionalProperties") {
      if (!value.is_object()) return;
      for (const auto& [name, one] : value.items()) {
        if (schema.contains("properties") && schema["properties"].contains(name)) continue;
        if (rule == false) Bad(where, "has the unknown member " + name);
        if (rule.is_object()) Check(rule, one, where + "/" + name);
      }
    } else if (key == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i)
        Check(rule, value[i], where + "/" + std::to_string(i));
    } else {
      Bounds(key, rule, value, where);
    }
  }

  void Bounds(const std::string& key, const Json& rule, const Json& value,
              const std::string& where) {
    const bool number = value.is_number(), text = value.is_string(), list = value.is_array();
    if (key == "minimum") {
      if (number && value < rule) Bad(where, "is less than " + rule.dump());
    } else if (key == "maximum") {
      if (number && value > rule) Bad(where, "is more than " + rule.dump());
    } else if (key == "minItems") {
      if (list && value.size() < rule) Bad(where, "has too few items");
    } else if (key == "maxItems") {
      if (list && value.size() > rule) Bad(where, "has too many items");
    } else if (key == "minLength") {
      if (text && value.get<std::string>().size() < rule) Bad(where, "is too short");
    } else if (key == "pattern") {
      if (text && !std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>())))
        Bad(where, "does not match " + rule.dump());
    } else {
      Bad(where, "the schema uses " + key + ", which this checker does not know");
    }
  }

  const Json& root_;
};

}  // namespace

std::string SchemaErrors(const Json& schema, const Json& instance, const Json& part) {
  Checker checker(schema);
  checker.Check(part, instance, "");
  return checker.errors;
}

std::string SchemaErrors(const Json& schema, const Json& instance) {
  return SchemaErrors(schema, instance, schema);
}

}  // namespace ipcsuite::report
