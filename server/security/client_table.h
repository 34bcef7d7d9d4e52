// Who may call, and what: an immutable table from keys and certificate names to clients. Knows
// neither files nor gRPC: client_table_file.h reads it, presented_credentials.h finds what a call
// presents, client_table_holder.h exchanges it while the server runs.
//
//   AuthVerdict verdict = table.Authenticate(credentials, absl::Now());
//   if (const Refusal* refusal = std::get_if<Refusal>(&verdict)) return ToStatus(*refusal);
//   return Authorize(std::get<Identity>(verdict), Scope::kRoute);
//
// A key is known by its SHA-256 alone. To make one: KEY=$(openssl rand -hex 32), and for the file
// printf %s "$KEY" | sha256sum (not echo, which adds a line feed to what is hashed).
#ifndef POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_H_
#define POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/security/scope.h"

namespace pointsman::server {

inline constexpr size_t kMaxClientNameBytes = 64;
inline constexpr size_t kMaxKeyBytes = 512;

// The name of a client, [a-z0-9._-]{1,64}, held in place: identities are copied on each request
// without allocating. Empty by default.
class ClientName {
 public:
  ClientName() = default;
  // Cut after 64 bytes; tables hold only names that fit.
  explicit ClientName(std::string_view name);

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kMaxClientNameBytes> bytes_{};
  uint8_t size_ = 0;
};

// Who calls. A value without ties to the table that it came from.
struct Identity {
  ClientName name;
  ScopeSet scopes;
  // The same for all keys and certificates of one name, in every process: what admission's fair
  // share counts by.
  uint64_t fair_share_hash = 0;
};

// A name out of a client certificate that TLS has verified.
struct CertificateName {
  enum class Kind : uint8_t {
    kUri,    // spiffe://mesh/ns/shop/sa/checkout
    kEmail,  // checkout@shop.example
    kPlain,  // a DNS name, or the common name of a certificate that has no alternative names
  };
  Kind kind = Kind::kPlain;
  std::string_view text;
};
inline constexpr size_t kCertificateNameKinds = 3;

// What the text of `certificate:` in a clients file can only be.
CertificateName::Kind KindOfCertificateName(std::string_view text);

// What one call shows for itself. Views: what they point to must outlive the call of Authenticate.
struct PresentedCredentials {
  // Why the key cannot be read, a sentence without the key; empty if it can or there is none.
  std::string_view malformed;
  std::optional<std::string_view> key;
  std::span<const CertificateName> certificate_names;
};

// Why a call is not authenticated. A closed set: labels of metrics.
enum class RefusalReason : uint8_t {
  kNonePresented,
  kMalformed,
  kUnknownKey,
  kUnknownCertificate,
  kExpired,
};
inline constexpr std::array kAllRefusalReasons = {
    RefusalReason::kNonePresented, RefusalReason::kMalformed, RefusalReason::kUnknownKey,
    RefusalReason::kUnknownCertificate, RefusalReason::kExpired};
std::string_view RefusalReasonName(RefusalReason reason);  // "none_presented"

struct Refusal {
  RefusalReason reason = RefusalReason::kNonePresented;
  std::string message;  // for the client; never holds a key or a client's name
  ClientName client;    // whose key has expired: for the log only
};
absl::Status ToStatus(const Refusal& refusal);  // UNAUTHENTICATED

using AuthVerdict = std::variant<Identity, Refusal>;

// OK, or PERMISSION_DENIED naming the client, the scope it lacks and those it has.
absl::Status Authorize(const Identity& identity, Scope scope);

using Sha256Digest = std::array<unsigned char, 32>;

// Of the bytes of a key. Thread-safe.
Sha256Digest DigestOfKey(std::string_view key);

// One way to be known as a client.
struct ClientEntry {
  Identity identity;
  std::variant<Sha256Digest, std::string> known_by;  // a key's digest, or a certificate's name
  absl::Time expires = absl::InfiniteFuture();       // from then on it is refused
};

// Immutable, so thread-safe.
class ClientTable {
 public:
  ClientTable() = default;  // nobody may call
  // Of entries with the same digest or name the first counts; the reader of files refuses them.
  explicit ClientTable(std::vector<ClientEntry> entries);

  // A key that is presented decides, whatever certificate comes with it: a wrong key is refused
  // even where the certificate is known. Without a key the first certificate name that the table
  // knows decides. Does not allocate on success, apart from what hashing does.
  AuthVerdict Authenticate(const PresentedCredentials& presented, absl::Time now) const;

  size_t size() const { return entries_.size(); }
  std::span<const ClientEntry> entries() const { return entries_; }

 private:
  struct KeySlot {
    uint64_t prefix;  // the first bytes of the digest
    uint32_t entry;   // in entries_
  };

  const ClientEntry* FindKey(std::string_view key) const;
  const ClientEntry* FindCertificate(const CertificateName& name) const;

  std::vector<ClientEntry> entries_;
  std::vector<KeySlot> keys_;  // by prefix, ascending
  std::array<absl::flat_hash_map<std::string, uint32_t>, kCertificateNameKinds> certificates_;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_CLIENT_TABLE_H_
