#include "server/security/client_table_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "index/stable_hash.h"
#include "index/string_view.h"
#include "server/nearest_name.h"
#include "server/security/secret_file.h"
#include "yaml-cpp/yaml.h"

namespace pointsman::server {
namespace {

constexpr size_t kEnoughProblems = 20;
constexpr size_t kMostNamedExpiries = 5;
constexpr size_t kLongestCertificateName = 512;
constexpr size_t kLongestQuote = 80;

// SHA-256 of no bytes at all: what an unset variable in the recipe of the README gives.
constexpr std::string_view kDigestOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const std::vector<std::string>& EntryFields() {
  static const auto* const fields =
      new std::vector<std::string>{"name", "key_sha256", "certificate", "scopes", "expires"};
  return *fields;
}

const std::vector<std::string>& ScopeNames() {
  static const auto* const names = [] {
    auto* all = new std::vector<std::string>;
    for (const Scope scope : kAllScopes) all->emplace_back(ScopeName(scope));
    return all;
  }();
  return *names;
}

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

std::string Quoted(std::string_view text) {
  const bool cut = text.size() > kLongestQuote;
  return absl::StrCat("`", absl::CHexEscape(ToAbsl(text.substr(0, kLongestQuote))), "`",
                      cut ? "..." : "");
}

std::string Unknown(std::string_view what, const std::string& name,
                    std::span<const std::string> known) {
  return absl::StrCat("unknown ", ToAbsl(what), " ", Quoted(name), "; did you mean `",
                      // Of a name that long no edit is near.
                      FindNearestName(name.substr(0, kLongestQuote), known).name,
                      "`? Known: ", absl::StrJoin(known, ", "));
}

class Parser {
 public:
  Parser(const std::string& file, absl::Time now) : file_(file), now_(now) {}

  absl::StatusOr<ClientTableReading> Parse(const std::string& text) {
    try {
      ReadRoot(YAML::Load(text));
    } catch (const YAML::Exception& error) {
      // Its message would quote nothing of the file, so no digest gets into a log.
      Report(error.mark.line + 1, "", absl::StrCat("not YAML: ", error.msg));
    }
    if (!problems_.empty()) {
      if (full()) problems_.push_back("(more problems may follow; not looking further)");
      return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
    }
    return ClientTableReading{ClientTable(std::move(entries_)), Warnings()};
  }

 private:
  bool full() const { return problems_.size() >= kEnoughProblems; }

  void Report(int line, const std::string& field, const std::string& problem) {
    if (full()) return;
    problems_.push_back(absl::StrCat(file_, ":", std::max(line, 1), ": ", field,
                                     field.empty() ? "" : ": ", problem));
  }

  void ReadRoot(const YAML::Node& root) {
    if (!root.IsMap()) {
      Report(LineOf(root), "",
             "must be a mapping with `clients`; `clients: []` means that nobody may call");
      return;
    }
    std::optional<YAML::Node> clients;
    int line = 1;  // of the field; yaml-cpp puts an empty value behind it
    for (const auto& field : root) {
      const std::string key = field.first.IsScalar() ? field.first.Scalar() : "";
      if (key != "clients") {
        Report(LineOf(field.first), "",
               absl::StrCat("unknown field ", Quoted(key), "; did you mean `clients`?"));
      } else if (clients.has_value()) {
        Report(LineOf(field.first), "clients", "given twice");
      } else {
        clients.emplace(field.second);
        line = LineOf(field.first);
      }
    }
    if (!clients.has_value()) {
      Report(1, "clients", "is missing; `clients: []` means that nobody may call");
      return;
    }
    if (!clients->IsSequence()) {
      Report(line, "clients", "must be a list; `[]` means that nobody may call");
      return;
    }
    if (clients->size() > kMaxClientEntries) {
      Report(
          line, "clients",
          absl::StrCat("must have at most ", kMaxClientEntries, " entries, has ", clients->size()));
      return;
    }
    size_t index = 0;
    for (const YAML::Node& node : *clients) {
      if (full()) return;
      ReadEntry(node, absl::StrCat("clients[", index++, "]"));
    }
  }

  void ReadEntry(const YAML::Node& node, const std::string& path) {
    if (!node.IsMap()) {
      Report(LineOf(node), path,
             "must be a mapping with name, scopes, and key_sha256 or certificate");
      return;
    }
    const size_t problems_before = problems_.size();
    std::array<std::optional<YAML::Node>, 5> values;  // in the order of EntryFields
    for (const auto& field : node) {
      const std::string key = field.first.IsScalar() ? field.first.Scalar() : "";
      const auto known = std::find(EntryFields().begin(), EntryFields().end(), key);
      if (known == EntryFields().end()) {
        Report(LineOf(field.first), path, Unknown("field", key, EntryFields()));
        continue;
      }
      auto& value = values[static_cast<size_t>(known - EntryFields().begin())];
      if (value.has_value()) {
        Report(LineOf(field.first), absl::StrCat(path, ".", key), "given twice");
        continue;
      }
      value.emplace(field.second);
    }
    const auto& [name, key_sha256, certificate, scopes, expires] = values;
    ClientEntry entry;
    int known_by_line = LineOf(node);
    ReadName(node, name, path, &entry);
    if (key_sha256.has_value() == certificate.has_value()) {
      Report(LineOf(node), path,
             absl::StrCat("must have exactly one of key_sha256 and certificate, has ",
                          key_sha256.has_value() ? "both" : "none"));
    } else if (key_sha256.has_value()) {
      known_by_line = LineOf(*key_sha256);
      ReadKey(*key_sha256, absl::StrCat(path, ".key_sha256"), &entry);
    } else {
      known_by_line = LineOf(*certificate);
      ReadCertificate(*certificate, absl::StrCat(path, ".certificate"), &entry);
    }
    ReadScopes(node, scopes, path, &entry);
    if (expires.has_value()) ReadExpiry(*expires, absl::StrCat(path, ".expires"), &entry);
    if (problems_.size() != problems_before) return;
    if (entry.expires <= now_) NoteExpired(LineOf(node), entry);
    CheckNew(entry, known_by_line, path);
    entries_.push_back(std::move(entry));
  }

  // The text of a scalar, or nullopt after saying that it is none.
  std::optional<std::string> Text(const YAML::Node& node, const std::string& path) {
    if (node.IsScalar() && !node.Scalar().empty()) return node.Scalar();
    Report(LineOf(node), path, "must be a text that is not empty");
    return std::nullopt;
  }

  void ReadName(const YAML::Node& entry_node, const std::optional<YAML::Node>& node,
                const std::string& entry_path, ClientEntry* entry) {
    const std::string path = absl::StrCat(entry_path, ".name");
    if (!node.has_value()) return Report(LineOf(entry_node), path, "is missing");
    const std::optional<std::string> name = Text(*node, path);
    if (!name.has_value()) return;
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    if (name->size() > kMaxClientNameBytes || !std::all_of(name->begin(), name->end(), allowed)) {
      Report(LineOf(*node), path,
             absl::StrCat("must be 1 to ", kMaxClientNameBytes, " characters of [a-z0-9._-], is ",
                          Quoted(*name)));
      return;
    }
    entry->identity.name = ClientName(*name);
    entry->identity.fair_share_hash = StableHash(*name);
  }

  void ReadKey(const YAML::Node& node, const std::string& path, ClientEntry* entry) {
    const std::optional<std::string> hex = Text(node, path);
    if (!hex.has_value()) return;
    const auto is_hex = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    // The value is not shown: somebody may have put the key itself here.
    if (hex->size() != 64 || !std::all_of(hex->begin(), hex->end(), is_hex)) {
      Report(LineOf(node), path,
             absl::StrCat("must be the SHA-256 of the key, 64 hexadecimal digits, is a text of ",
                          hex->size(), " characters (not shown, lest it is the key)"));
      return;
    }
    const std::string bytes = absl::HexStringToBytes(*hex);
    Sha256Digest digest;
    std::copy_n(reinterpret_cast<const unsigned char*>(bytes.data()), digest.size(),
                digest.begin());
    if (bytes == absl::HexStringToBytes(ToAbsl(kDigestOfNothing))) {
      Report(LineOf(node), path, "is the SHA-256 of an empty key; was a variable not set?");
      return;
    }
    entry->known_by = digest;
  }

  void ReadCertificate(const YAML::Node& node, const std::string& path, ClientEntry* entry) {
    std::optional<std::string> name = Text(node, path);
    if (!name.has_value()) return;
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    if (name->size() > kLongestCertificateName ||
        std::any_of(name->begin(), name->end(), is_control)) {
      Report(LineOf(node), path,
             absl::StrCat("must be a name of at most ", kLongestCertificateName,
                          " bytes without control characters, is ", Quoted(*name)));
      return;
    }
    entry->known_by = *std::move(name);
  }

  void ReadScopes(const YAML::Node& entry_node, const std::optional<YAML::Node>& node,
                  const std::string& entry_path, ClientEntry* entry) {
    const std::string path = absl::StrCat(entry_path, ".scopes");
    if (!node.has_value()) return Report(LineOf(entry_node), path, "is missing");
    if (!node->IsSequence() || node->size() == 0) {
      Report(LineOf(*node), path,
             absl::StrCat("must be a list of at least one of ", absl::StrJoin(ScopeNames(), ", ")));
      return;
    }
    for (const YAML::Node& element : *node) {
      if (full()) return;
      const std::string name = element.IsScalar() ? element.Scalar() : "";
      const std::optional<Scope> scope = FindScope(name);
      if (!scope.has_value()) {
        Report(LineOf(element), path, Unknown("scope", name, ScopeNames()));
      } else if (entry->identity.scopes.Has(*scope)) {
        Report(LineOf(element), path, absl::StrCat("`", name, "` is given twice"));
      } else {
        entry->identity.scopes.Add(*scope);
      }
    }
  }

  void ReadExpiry(const YAML::Node& node, const std::string& path, ClientEntry* entry) {
    const std::optional<std::string> text = Text(node, path);
    if (!text.has_value()) return;
    std::string ignored;
    absl::Time time;
    // Abseil takes words for the infinite, too.
    const bool starts_with_year = (*text)[0] >= '0' && (*text)[0] <= '9';
    if (!starts_with_year || !absl::ParseTime(absl::RFC3339_full, *text, &time, &ignored)) {
      Report(LineOf(node), path,
             absl::StrCat("must be a time in RFC 3339 such as 2027-01-31T00:00:00Z, is ",
                          Quoted(*text)));
      return;
    }
    entry->expires = time;
  }

  void CheckNew(const ClientEntry& entry, int line, const std::string& path) {
    std::string key;
    std::string_view field = "certificate";
    if (const auto* digest = std::get_if<Sha256Digest>(&entry.known_by)) {
      key = std::string(1, '\0');  // no certificate name starts so
      key.append(digest->begin(), digest->end());
      field = "key_sha256";
    } else {
      key = std::get<std::string>(entry.known_by);
    }
    const auto [first, is_new] = lines_.try_emplace(std::move(key), line);
    if (is_new) return;
    Report(line, absl::StrCat(path, ".", ToAbsl(field)),
           absl::StrCat("the same was given on line ", first->second,
                        "; one key or certificate is one client"));
  }

  void NoteExpired(int line, const ClientEntry& entry) {
    if (++expired_ > kMostNamedExpiries) return;
    warnings_.push_back(
        absl::StrCat(file_, ":", line, ": the entry of client `",
                     ToAbsl(entry.identity.name.view()), "` expired at ",
                     absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", entry.expires, absl::UTCTimeZone())));
  }

  std::vector<std::string> Warnings() {
    if (expired_ > kMostNamedExpiries) {
      warnings_.push_back(absl::StrCat(file_, ": ", expired_, " entries have expired in all"));
    }
    return std::move(warnings_);
  }

  const std::string& file_;
  const absl::Time now_;
  std::vector<std::string> problems_;
  std::vector<std::string> warnings_;
  size_t expired_ = 0;
  std::vector<ClientEntry> entries_;
  absl::flat_hash_map<std::string, int> lines_;  // of what each entry is known by
};

}  // namespace

absl::StatusOr<ClientTableReading> ParseClients(const std::string& text, const std::string& file,
                                                absl::Time now) {
  return Parser(file, now).Parse(text);
}

absl::StatusOr<ClientTableReading> ReadClientsFile(const std::string& path, absl::Time now) {
  const absl::StatusOr<SecretFile> file =
      ReadSecretFile(path, "the clients file", kMaxClientsFileBytes);
  if (!file.ok()) return file.status();
  absl::StatusOr<ClientTableReading> reading = ParseClients(file->bytes, path, now);
  if (reading.ok() && file->readable_by_others) {
    reading->warnings.push_back(
        absl::StrFormat("%s: the clients file can be read by everybody (mode %04o); it holds no "
                        "keys, but names and "
                        "digests: 0640 or less keeps them private",
                        path, file->permissions));
  }
  return reading;
}

}  // namespace pointsman::server
