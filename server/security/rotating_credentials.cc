#include "server/security/rotating_credentials.h"

#include <atomic>
#include <utility>

#include "grpc/grpc.h"
#include "grpc/grpc_security.h"

namespace pointsman::server {

// What gRPC asks before each handshake of one port. gRPC keeps per port what it was told last, so
// each port has a fetcher of its own that knows which generation its port has.
class RotatingCredentials::Fetcher {
 public:
  explicit Fetcher(const RotatingCredentials* owner) : owner_(owner) {}

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<Fetcher*>(self)->Fetch(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const CertificateSet> set;
    {
      const std::lock_guard<std::mutex> lock(owner_->mutex_);
      if (served_generation_ == owner_->generation_) {
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
      }
      served_generation_ = owner_->generation_;
      set = owner_->current_;
    }
    const grpc_ssl_pem_key_cert_pair pair = {set->private_key_pem.c_str(),
                                             set->certificate_chain_pem.c_str()};
    // gRPC 1.51 asserts that there are roots even where clients are not asked for certificates. Our
    // own chain stands in: nothing is ever verified against it.
    const std::string& roots =
        set->client_ca_pem.empty() ? set->certificate_chain_pem : set->client_ca_pem;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const RotatingCredentials* const owner_;
  uint64_t served_generation_ = 0;  // guarded by the owner's mutex_
};

// The seam of gRPC's C++ layer: it opens ports through these virtuals and knows no more of us.
class RotatingCredentials::PortCredentials final : public grpc::ServerCredentials {
 public:
  explicit PortCredentials(RotatingCredentials* owner) : owner_(owner) {}

  // A processor that is silently ignored would look like a check that passes.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    has_processor_ = true;
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    if (has_processor_) return 0;
    const bool with_clients = !owner_->files_.client_ca.empty();
    grpc_server_credentials* credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            with_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                         : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            &Fetcher::Fetch, owner_->AddFetcher()));
    const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);  // the port holds a reference of its own
    return port;
  }

  RotatingCredentials* const owner_;
  bool has_processor_ = false;
};

absl::StatusOr<std::unique_ptr<RotatingCredentials>> RotatingCredentials::Create(
    CertificateFiles files, absl::Time now) {
  absl::StatusOr<CertificateSet> set = ReadCertificateSet(files, now);
  if (!set.ok()) return set.status();
  return std::unique_ptr<RotatingCredentials>(
      new RotatingCredentials(std::move(files), *std::move(set)));
}

RotatingCredentials::RotatingCredentials(CertificateFiles files, CertificateSet set)
    : files_(std::move(files)), current_(std::make_shared<const CertificateSet>(std::move(set))) {}

RotatingCredentials::~RotatingCredentials() = default;

std::shared_ptr<grpc::ServerCredentials> RotatingCredentials::ForServer() {
  return std::make_shared<PortCredentials>(this);
}

absl::StatusOr<RotatingCredentials::ReloadOutcome> RotatingCredentials::Reload(absl::Time now) {
  const std::lock_guard<std::mutex> reload_lock(reload_mutex_);
  absl::StatusOr<CertificateSet> read = ReadCertificateSet(files_, now);
  if (!read.ok()) return read.status();
  ReloadOutcome outcome;
  outcome.warnings = read->warnings;
  auto set = std::make_shared<const CertificateSet>(*std::move(read));
  const std::lock_guard<std::mutex> lock(mutex_);
  outcome.changed = set->certificate_chain_pem != current_->certificate_chain_pem ||
                    set->private_key_pem != current_->private_key_pem ||
                    set->client_ca_pem != current_->client_ca_pem;
  if (outcome.changed) {
    current_ = std::move(set);
    ++generation_;
  }
  return outcome;
}

std::shared_ptr<const CertificateSet> RotatingCredentials::current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return current_;
}

uint64_t RotatingCredentials::generation() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return generation_;
}

RotatingCredentials::Fetcher* RotatingCredentials::AddFetcher() {
  const std::lock_guard<std::mutex> lock(mutex_);
  fetchers_.push_back(std::make_unique<Fetcher>(this));
  return fetchers_.back().get();
}

}  // namespace pointsman::server
