#include "server/security/scope.h"

namespace pointsman::server {

std::string_view ScopeName(Scope scope) {
  switch (scope) {
    case Scope::kRoute:
      return "route";
    case Scope::kBatch:
      return "batch";
    case Scope::kAdmin:
      return "admin";
  }
  return "";
}

std::optional<Scope> FindScope(std::string_view name) {
  for (const Scope scope : kAllScopes) {
    if (ScopeName(scope) == name) return scope;
  }
  return std::nullopt;
}

std::string ScopeSet::ToString() const {
  std::string text;
  for (const Scope scope : kAllScopes) {
    if (!Has(scope)) continue;
    if (!text.empty()) text += ", ";
    text += ScopeName(scope);
  }
  return text.empty() ? "none" : text;
}

}  // namespace pointsman::server
