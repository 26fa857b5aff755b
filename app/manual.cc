#include "manual.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <vector>

#include "commands.h"
#include "exit_code.h"

namespace doppel::internal::app {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

// Text as roff takes it: no line begins a request, and a hyphen is one that can be copied.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

// "--far FLOAT in [0 - 0.5]", "--align, --no-align", "DATA".
std::string title_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true);
  std::string title;
  for (const std::string& name : option.get_lnames()) {
    title += (title.empty() ? "--" : ", --") + name;
  }
  if (option.get_items_expected_max() == 0) return title;  // a flag
  // CLI11 has the type in front of what a validator says, which names it again.
  const std::string type = option.get_type_name();
  return title + " " + type.substr(type.find(':') + 1);
}

void add_options(const CLI::App& command, std::string& page) {
  for (const CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr() && command.get_parent() != nullptr) continue;
    page += ".TP\n.B " + roff(title_of(*option)) + "\n" + roff(option->get_description());
    if (!option->get_default_str().empty()) {
      page += " (default: " + roff(option->get_default_str()) + ")";
    }
    page += "\n";
  }
}

void add_footer(const CLI::App& command, std::string& page) {
  if (command.get_footer().empty()) return;
  page += ".PP\n.nf\n" + roff(command.get_footer()) + "\n.fi\n";
}

// A command and those below it.
void add_command(const CLI::App& command, const std::string& path, std::string& page) {
  const std::string name = path + " " + command.get_name();
  std::string usage = name;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string word = option->get_name(true);
    usage += option->get_required() ? " " + word : " [" + word + "]";
  }
  page += ".SS " + roff(usage) + "\n" + roff(command.get_description()) + "\n";
  add_options(command, page);
  add_footer(command, page);
  for (const CLI::App* below : commands_of(command)) add_command(*below, name, page);
}

std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::App* below : commands_of(command)) words += below->get_name() + " ";
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  return words;
}

void add_words(const CLI::App& command, const std::string& path, std::string& script) {
  script += "    '" + path + "') words='" + words_of(command) + "' ;;\n";
  for (const CLI::App* below : commands_of(command)) {
    add_words(*below, path.empty() ? below->get_name() : path + " " + below->get_name(), script);
  }
}

}  // namespace

std::string manual_page(const CLI::App& program) {
  std::string page = ".TH DOPPEL 1 \"\" \"doppel " DOPPEL_VERSION "\" \"User Commands\"\n";
  page += ".SH NAME\ndoppel \\- recognise people from one photo each\n";
  page += ".SH SYNOPSIS\n.B doppel\n.I COMMAND\n.RI [ OPTIONS ]\n";
  page += ".SH DESCRIPTION\n" + roff(program.get_description()) + "\n";
  page += ".SH OPTIONS\n";
  add_options(program, page);
  page += ".SH COMMANDS\n";
  for (const CLI::App* command : commands_of(program)) add_command(*command, "doppel", page);
  page += ".SH EXIT STATUS\n.nf\n" + roff(kExitCodes) + ".fi\n";
  return page;
}

std::string bash_completion(const CLI::App& program) {
  std::string script =
      "# Completion of doppel's commands and options in bash.\n"
      "_doppel() {\n"
      "  local word command='' words\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$command${command:+ }$word\" in\n      ";
  std::string paths;
  for (const CLI::App* command : commands_of(program)) {
    paths += (paths.empty() ? "'" : "|'") + command->get_name() + "'";
    for (const CLI::App* below : commands_of(*command)) {
      paths += "|'" + command->get_name() + " " + below->get_name() + "'";
    }
  }
  script += paths + ") command=\"$command${command:+ }$word\" ;;\n    esac\n  done\n";
  script += "  case \"$command\" in\n";
  add_words(program, "", script);
  script +=
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
      "}\n"
      "complete -o default -F _doppel doppel\n";
  return script;
}

void add_manual(CLI::App& program) {
  CLI::App* manual =
      program.add_subcommand("manual", "Print the manual page, for man(1), or bash's completion");
  manual->footer(
      "Example: doppel manual > ~/.local/share/man/man1/doppel.1\n"
      "         doppel manual --bash-completion > "
      "~/.local/share/bash-completion/completions/doppel");
  auto completion = std::make_shared<bool>(false);
  manual->add_flag("--bash-completion", *completion, "Print completion for bash instead");
  manual->callback([&program, completion] {
    std::fputs((*completion ? bash_completion(program) : manual_page(program)).c_str(), stdout);
  });
}

}  // namespace doppel::internal::app
