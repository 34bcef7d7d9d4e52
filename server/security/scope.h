// What a client may do: the closed set of scopes, and sets of them as plain values.
#ifndef POINTSMAN_SERVER_SECURITY_SCOPE_H_
#define POINTSMAN_SERVER_SECURITY_SCOPE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pointsman::server {

// No scope contains another: a client that routes and administers has both.
enum class Scope : uint8_t {
  kRoute,  // Route, GetCatalogue, Envoy's external processing
  kBatch,  // BatchRoute
  kAdmin,  // AdminService
};

inline constexpr std::array kAllScopes = {Scope::kRoute, Scope::kBatch, Scope::kAdmin};

std::string_view ScopeName(Scope scope);  // as in the clients file: "route"
std::optional<Scope> FindScope(std::string_view name);

class ScopeSet {
 public:
  constexpr void Add(Scope scope) { bits_ = static_cast<uint8_t>(bits_ | Bit(scope)); }
  constexpr bool Has(Scope scope) const { return (bits_ & Bit(scope)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  std::string ToString() const;  // "route, batch", or "none"

 private:
  static constexpr unsigned Bit(Scope scope) { return 1U << static_cast<unsigned>(scope); }

  uint8_t bits_ = 0;
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_SCOPE_H_
