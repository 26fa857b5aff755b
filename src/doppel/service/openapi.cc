#include "doppel/service/openapi.h"

#include <cctype>
#include <string>
#include <vector>

namespace doppel::internal {
namespace {

using nlohmann::json;

json photo_schema() { return {{"type", "string"}, {"format", "binary"}}; }
json base64_schema() { return {{"type", "string"}, {"format", "byte"}}; }

json form_of(const std::vector<const char*>& fields) {
  json form = json::object(), body = json::object();
  for (const char* field : fields) {
    form[field] = photo_schema();
    body[field] = base64_schema();
  }
  return {{"multipart/form-data",
           {{"schema", {{"type", "object"}, {"properties", form}, {"required", fields}}}}},
          {"application/json",
           {{"schema", {{"type", "object"}, {"properties", body}, {"required", fields}}}}}};
}

json content_of(const Route& route) {
  switch (route.body) {
    case RequestBody::none:
      return nullptr;
    case RequestBody::photos:
      return {{"multipart/form-data",
               {{"schema",
                 {{"type", "object"},
                  {"properties", {{"photo", {{"type", "array"}, {"items", photo_schema()}}}}}}}}}};
    case RequestBody::file:
      return form_of({"file"});
    case RequestBody::source_and_target:
      return form_of({"source_image", "target_image"});
    case RequestBody::json:
      return {{"application/json", {{"schema", json::object()}, {"example", route.body_example}}}};
    case RequestBody::lines:
      return {{"application/x-ndjson", {{"schema", {{"type", "string"}}}}}};
  }
  return nullptr;
}

json answer_schema(const Route& route) {
  if (route.content_type != "application/json") return {{"type", "string"}};
  if (route.answer_fields.empty()) return json::object();
  json properties = json::object();
  for (const std::string& field : route.answer_fields) properties[field] = json::object();
  return {{"type", "object"}, {"properties", properties}, {"required", route.answer_fields}};
}

json parameters_of(const Route& route) {
  json parameters = json::array();
  for (size_t at = 0; (at = route.path.find('{', at)) != std::string::npos; ++at) {
    const size_t end = route.path.find('}', at);
    parameters.push_back({{"name", route.path.substr(at + 1, end - at - 1)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  }
  for (const QueryParameter& query : route.query) {
    parameters.push_back({{"name", query.name},
                          {"in", "query"},
                          {"description", query.summary},
                          {"schema", {{"type", query.type}}}});
  }
  return parameters;
}

json operation_of(const Route& route) {
  const json refused = {{"$ref", "#/components/responses/Refused"}};
  json responses = {{std::to_string(route.success),
                     {{"description", "Answered"},
                      {"content", {{route.content_type, {{"schema", answer_schema(route)}}}}}}},
                    {"503", refused}};
  if (route.permission != Permission::open) {
    for (const char* status : {"401", "403", "429"}) responses[status] = refused;
  }
  const bool takes_input = route.body != RequestBody::none || !route.query.empty() ||
                           route.permission == Permission::admin;
  if (takes_input) responses["400"] = refused;
  if (route.permission == Permission::admin && route.method != "GET") responses["507"] = refused;
  // CompreFace says that a key is missing with 400, that it is wrong with 404.
  if (route.path.starts_with("/api/v1/")) responses["400"] = responses["404"] = refused;
  if (route.body != RequestBody::none) responses["413"] = refused;
  if (route.path.find('{') != std::string::npos || takes_input) responses["404"] = refused;
  if (route.body == RequestBody::json || route.body == RequestBody::lines) {
    responses["409"] = refused;
  }
  json operation = {
      {"summary", route.summary}, {"parameters", parameters_of(route)}, {"responses", responses}};
  if (const json content = content_of(route); !content.is_null()) {
    operation["requestBody"] = {{"required", true}, {"content", content}};
  }
  if (route.permission != Permission::open) {
    operation["security"] = json::array({{{"key", json::array()}}});
  }
  if (route.permission == Permission::admin)
    operation["description"] = "With a key of the role admin.";
  return operation;
}

}  // namespace

json openapi_document(const RouteTable& table) {
  json paths = json::object();
  for (const Route& route : table.routes()) {
    std::string method;
    for (const char c : route.method) {
      method += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    paths[route.path][method] = operation_of(route);
  }
  const json error = {
      {"type", "object"},
      {"properties", {{"code", {{"type", "integer"}}}, {"message", {{"type", "string"}}}}},
      {"required", {"code", "message"}}};
  return {{"openapi", "3.0.3"},
          {"info",
           {{"title", "Doppel"},
            {"version", DOPPEL_VERSION},
            {"description",
             "Recognises people from one photo each. Routes under /api/v1 are those of "
             "CompreFace 1.2."}}},
          {"paths", paths},
          {"components",
           {{"securitySchemes",
             {{"key", {{"type", "apiKey"}, {"in", "header"}, {"name", "x-api-key"}}}}},
            {"responses",
             {{"Refused",
               {{"description", "Why not"},
                {"content", {{"application/json", {{"schema", error}}}}}}}}}}}};
}

}  // namespace doppel::internal
