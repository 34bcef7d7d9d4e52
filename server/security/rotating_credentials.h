// TLS credentials of a gRPC server whose certificate, key and client roots can be exchanged while
// it runs: new connections see the new set, running ones keep the old.
//
//   auto credentials = RotatingCredentials::Create({.certificate_chain = ..., .private_key = ...},
//                                                  absl::Now());
//   if (!credentials.ok()) return credentials.status();          // refuse to start
//   builder.AddListeningPort(address, (*credentials)->ForServer());
//   ...
//   absl::StatusOr<ReloadOutcome> outcome = (*credentials)->Reload(absl::Now());  // files changed
//
// gRPC's own FileWatcherCertificateProvider serves half-exchanged pairs and garbage; here gRPC asks
// at each handshake for the set in service, and a set comes into service whole and validated or not
// at all. TLS 1.2 and 1.3. With client roots each client must present a certificate that leads to
// one of them; without, none is asked for. Revocation lists are not read: use short-lived
// certificates.
#ifndef POINTSMAN_SERVER_SECURITY_ROTATING_CREDENTIALS_H_
#define POINTSMAN_SERVER_SECURITY_ROTATING_CREDENTIALS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "server/security/certificate.h"

namespace pointsman::server {

// Thread-safe. Must outlive every server that uses it, not only the handles of ForServer: gRPC
// keeps a bare pointer for as long as a server lives.
class RotatingCredentials {
 public:
  struct ReloadOutcome {
    bool changed = false;  // false: the files hold what is in service already
    std::vector<std::string> warnings;
  };

  // Errors as ReadCertificateSet's. Whoever asked for TLS must then refuse to start.
  static absl::StatusOr<std::unique_ptr<RotatingCredentials>> Create(CertificateFiles files,
                                                                     absl::Time now);
  ~RotatingCredentials();
  RotatingCredentials(const RotatingCredentials&) = delete;
  RotatingCredentials& operator=(const RotatingCredentials&) = delete;

  // For ServerBuilder::AddListeningPort and AddExternalConnectionAcceptor, for any number of ports.
  //
  // gRPC 1.51 exchanges a port's handshaker factory without a lock, so the connections of one port
  // must be accepted on one thread at a time: true of a listening port with
  // GRPC_ARG_ALLOW_REUSEPORT 0 and a numeric address; with an external acceptor, call
  // HandleNewConnection from one thread. An AuthMetadataProcessor is not supported: with one set,
  // the port fails to open.
  std::shared_ptr<grpc::ServerCredentials> ForServer();

  // Reads the files again and, if they are in order, puts them into service for new connections.
  // Otherwise the set in service stays and the error says what is wrong.
  absl::StatusOr<ReloadOutcome> Reload(absl::Time now);

  // The set in service; never null.
  std::shared_ptr<const CertificateSet> current() const;
  // When the server's own certificate in service expires.
  absl::Time not_after() const { return current()->not_after; }
  // 1 at first, and one more with each set that came into service.
  uint64_t generation() const;

 private:
  class Fetcher;
  class PortCredentials;

  RotatingCredentials(CertificateFiles files, CertificateSet set);

  // Makes what gRPC asks at each handshake of one port. Owned here.
  Fetcher* AddFetcher();

  const CertificateFiles files_;
  std::mutex reload_mutex_;  // one Reload at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::shared_ptr<const CertificateSet> current_;   // guarded by mutex_
  uint64_t generation_ = 1;                         // guarded by mutex_
  std::vector<std::unique_ptr<Fetcher>> fetchers_;  // guarded by mutex_
};

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_SECURITY_ROTATING_CREDENTIALS_H_
