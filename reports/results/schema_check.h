// Enough of JSON Schema to hold the tests to the published schemas without another library: type,
// enum, required, properties, additionalProperties, items, minItems, maxItems, minimum, maximum,
// pattern, minLength, anyOf and $ref within the document. A keyword it does not know is an error,
// so that a schema cannot outgrow it unnoticed.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ipcsuite::report {

// "" or lines that say where the instance violates the schema. `part`: a subschema to start from.
std::string SchemaErrors(const nlohmann::json& schema, const nlohmann::json& instance);
std::string SchemaErrors(const nlohmann::json& schema, const nlohmann::json& instance,
                         const nlohmann::json& part);

}  // namespace ipcsuite::report
