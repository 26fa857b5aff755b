// doppel key: who may use a gallery's service.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "commands.h"
#include "doppel/gallery/access_keys.h"
#include "doppel/gallery/person_name.h"
#include "gallery_access.h"
#include "measures.h"

namespace doppel::internal::app {
namespace {

struct KeyOptions {
  std::string gallery, role, label, id;
  bool as_json = false;
};

void add(const KeyOptions& options) {
  const Role role = role_named(options.role, "--role");
  Gallery gallery = open_to_change(options.gallery);
  const std::string key = add_access_key(gallery, role, options.label);
  if (options.as_json) {
    print_json({{"key", key}, {"role", to_string(role)}, {"label", options.label}});
    return;
  }
  std::printf("%s\n", key.c_str());
  std::fprintf(stderr, "This is the only time the key is shown: the gallery keeps its hash.\n");
}

void list(const KeyOptions& options) {
  Gallery gallery = Gallery::open(options.gallery, Access::read);
  const std::vector<AccessKey> keys = gallery.access_keys();
  if (options.as_json) {
    nlohmann::json listed = nlohmann::json::array();
    for (const AccessKey& key : keys) {
      listed.push_back({{"id", key.id},
                        {"role", to_string(key.role)},
                        {"label", key.label},
                        {"added", key.added}});
    }
    print_json({{"gallery", gallery.name()}, {"keys", listed}});
    return;
  }
  for (const AccessKey& key : keys) {
    std::printf("%s  %-9s  %s  %s\n", key.id.c_str(), to_string(key.role).c_str(),
                key.added.c_str(), shown(key.label).c_str());
  }
  if (keys.empty()) {
    std::printf("There are no keys: doppel serve serves only this machine.\n");
  }
}

void revoke(const KeyOptions& options) {
  Gallery gallery = open_to_change(options.gallery);
  revoke_access_key(gallery, options.id);
  std::printf("%s revoked\n", options.id.c_str());
}

}  // namespace

void add_key(CLI::App& program) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* keys = program.add_subcommand("key", "Say who may use a gallery's service");
  keys->require_subcommand(1);
  keys->footer(
      "A key of the role recognise may ask who somebody is; one of the role admin may also change\n"
      "who is known and see what is stored. A running service takes changes in at once.\n"
      "Examples: doppel key add team.gallery --role recognise --label \"door camera\"\n"
      "          doppel key list team.gallery\n"
      "          doppel key revoke team.gallery 3f9a0c12");
  const auto add_command = [&](const char* name, const char* what,
                               void (*work)(const KeyOptions&)) {
    CLI::App* command = keys->add_subcommand(name, what);
    add_gallery_argument(*command, options->gallery);
    command->callback([options, work] { work(*options); });
    return command;
  };
  const auto add_json = [&](CLI::App* command) {
    command->add_flag("--json", options->as_json, "Print one JSON document instead of text");
  };
  CLI::App* command = add_command("add", "Make a key and print it, this once", add);
  command->add_option("--role", options->role, "recognise or admin")->required();
  command->add_option("--label", options->label, "Whose it is, for list");
  add_json(command);
  command = add_command("list", "Which keys there are, not what they read", list);
  add_json(command);
  command = add_command("revoke", "Make a key useless", revoke);
  command->add_option("ID", options->id, "The id that list shows")->required();
}

}  // namespace doppel::internal::app
