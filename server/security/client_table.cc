#include "server/security/client_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/string_view.h"
#include "openssl/crypto.h"
#include "openssl/evp.h"

namespace pointsman::server {
namespace {

uint64_t Prefix(const Sha256Digest& digest) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, digest.data(), sizeof prefix);
  return prefix;
}

size_t Index(CertificateName::Kind kind) { return static_cast<size_t>(kind); }

std::string Show(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

AuthVerdict Judge(const ClientEntry& entry, std::string_view what, absl::Time now) {
  if (now < entry.expires) return entry.identity;
  return Refusal{RefusalReason::kExpired,
                 absl::StrCat("the ", ToAbsl(what), " expired at ", Show(entry.expires),
                              "; ask the operator of this server for a new one"),
                 entry.identity.name};
}

}  // namespace

ClientName::ClientName(std::string_view name)
    : size_(static_cast<uint8_t>(std::min(name.size(), kMaxClientNameBytes))) {
  std::copy_n(name.begin(), size_, bytes_.begin());
}

CertificateName::Kind KindOfCertificateName(std::string_view text) {
  // Neither DNS names nor addresses of e-mail hold a colon; every URI does.
  if (text.find(':') != std::string_view::npos) return CertificateName::Kind::kUri;
  if (text.find('@') != std::string_view::npos) return CertificateName::Kind::kEmail;
  return CertificateName::Kind::kPlain;
}

std::string_view RefusalReasonName(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kNonePresented:
      return "none_presented";
    case RefusalReason::kMalformed:
      return "malformed";
    case RefusalReason::kUnknownKey:
      return "unknown_key";
    case RefusalReason::kUnknownCertificate:
      return "unknown_certificate";
    case RefusalReason::kExpired:
      return "expired";
  }
  return "";
}

absl::Status ToStatus(const Refusal& refusal) {
  return absl::UnauthenticatedError(refusal.message);
}

absl::Status Authorize(const Identity& identity, Scope scope) {
  if (identity.scopes.Has(scope)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("client `", ToAbsl(identity.name.view()),
                                                  "` lacks the scope `", ToAbsl(ScopeName(scope)),
                                                  "`; its scopes: ", identity.scopes.ToString()));
}

Sha256Digest DigestOfKey(std::string_view key) {
  // Looked up once: OpenSSL 3 searches its providers on every use of EVP_sha256(), which costs more
  // than hashing a key. Never freed, as it is used until the process ends.
  static const EVP_MD* const sha256 = [] {
    const EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched != nullptr ? fetched : EVP_sha256();
  }();
  Sha256Digest digest{};
  if (EVP_Digest(key.data(), key.size(), digest.data(), nullptr, sha256, nullptr) != 1) {
    // Out of memory. No digest is all zeros, so this finds nobody.
    digest.fill(0);
  }
  return digest;
}

ClientTable::ClientTable(std::vector<ClientEntry> entries) : entries_(std::move(entries)) {
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    const auto& known_by = entries_[i].known_by;
    if (const auto* digest = std::get_if<Sha256Digest>(&known_by)) {
      keys_.push_back({Prefix(*digest), i});
    } else {
      const auto& name = std::get<std::string>(known_by);
      certificates_[Index(KindOfCertificateName(name))].emplace(name, i);
    }
  }
  std::stable_sort(keys_.begin(), keys_.end(),
                   [](const KeySlot& a, const KeySlot& b) { return a.prefix < b.prefix; });
}

const ClientEntry* ClientTable::FindKey(std::string_view key) const {
  // How long the search takes depends on the first bytes of the digest, not of the key: who
  // measures it learns at most which prefixes of digests are taken, and cannot go from a digest to
  // a key. The comparison that decides takes the same time wherever the digests differ.
  const Sha256Digest digest = DigestOfKey(key);
  const uint64_t prefix = Prefix(digest);
  auto slot = std::lower_bound(keys_.begin(), keys_.end(), prefix,
                               [](const KeySlot& a, uint64_t b) { return a.prefix < b; });
  for (; slot != keys_.end() && slot->prefix == prefix; ++slot) {
    const ClientEntry& entry = entries_[slot->entry];
    const auto& known = std::get<Sha256Digest>(entry.known_by);
    if (CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0) return &entry;
  }
  return nullptr;
}

const ClientEntry* ClientTable::FindCertificate(const CertificateName& name) const {
  const auto& known = certificates_[Index(name.kind)];
  const auto found = known.find(ToAbsl(name.text));
  return found == known.end() ? nullptr : &entries_[found->second];
}

AuthVerdict ClientTable::Authenticate(const PresentedCredentials& presented, absl::Time now) const {
  if (!presented.malformed.empty()) {
    return Refusal{RefusalReason::kMalformed, std::string(presented.malformed), {}};
  }
  if (presented.key.has_value()) {
    if (presented.key->empty() || presented.key->size() > kMaxKeyBytes) {
      return Refusal{RefusalReason::kMalformed,
                     absl::StrCat("a key must have 1 to ", kMaxKeyBytes, " bytes; this one has ",
                                  presented.key->size()),
                     {}};
    }
    const ClientEntry* entry = FindKey(*presented.key);
    if (entry != nullptr) return Judge(*entry, "key", now);
    return Refusal{RefusalReason::kUnknownKey, "the key is not known to this server", {}};
  }
  for (const CertificateName& name : presented.certificate_names) {
    const ClientEntry* entry = FindCertificate(name);
    if (entry != nullptr) return Judge(*entry, "entry of this client certificate", now);
  }
  if (!presented.certificate_names.empty()) {
    return Refusal{RefusalReason::kUnknownCertificate,
                   "no name of the client certificate is known to this server",
                   {}};
  }
  return Refusal{RefusalReason::kNonePresented,
                 "this server requires a key (metadata `authorization: Bearer KEY`) or a client "
                 "certificate; none was presented",
                 {}};
}

}  // namespace pointsman::server
