#include "server/security/certificate.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "index/string_view.h"
#include "openssl/err.h"
#include "openssl/ssl.h"
#include "openssl/x509v3.h"
#include "server/security/pem.h"
#include "server/security/secret_file.h"

namespace pointsman::server {
namespace {

using SslContextPtr = std::unique_ptr<SSL_CTX, OpenSslDeleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpenSslDeleter<SSL_free>>;

constexpr size_t kLargestChainFile = size_t{1} << 20;
constexpr size_t kLargestRootsFile = size_t{8} << 20;

std::string Show(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Name(size_t index, const X509* certificate) {
  return absl::StrCat("certificate ", index + 1, " (", SubjectOf(certificate), ")");
}

absl::Status Wrong(const std::string& file, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", problem));
}

absl::Status CheckValidAt(absl::Time now, const X509* certificate, size_t index,
                          const std::string& file) {
  if (now < NotBefore(certificate)) {
    return absl::FailedPreconditionError(
        absl::StrCat(file, ": ", Name(index, certificate), " is not valid before ",
                     Show(NotBefore(certificate)), "; now is ", Show(now)));
  }
  if (now >= NotAfter(certificate)) {
    return absl::FailedPreconditionError(absl::StrCat(file, ": ", Name(index, certificate),
                                                      " expired at ", Show(NotAfter(certificate)),
                                                      "; now is ", Show(now)));
  }
  return absl::OkStatus();
}

// The first certificate is the key's. Where another one is, the file is in the wrong order, the
// most common mistake.
absl::Status CheckKeyMatches(const std::vector<X509Ptr>& chain, EVP_PKEY* key,
                             const CertificateFiles& files) {
  const auto belongs = [key](const X509Ptr& certificate) {
    const bool matches = X509_check_private_key(certificate.get(), key) == 1;
    ERR_clear_error();
    return matches;
  };
  if (belongs(chain[0])) return absl::OkStatus();
  for (size_t i = 1; i < chain.size(); ++i) {
    if (belongs(chain[i])) {
      return Wrong(files.certificate_chain,
                   absl::StrCat("the private key ", files.private_key, " belongs to ",
                                Name(i, chain[i].get()),
                                "; the server's own certificate must be the first of the file"));
    }
  }
  return Wrong(files.private_key,
               absl::StrCat("the private key does not belong to ", Name(0, chain[0].get()), " of ",
                            files.certificate_chain));
}

absl::Status CheckOrder(const std::vector<X509Ptr>& chain, const std::string& file) {
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    X509* subject = chain[i].get();
    X509* issuer = chain[i + 1].get();
    const bool issued = X509_check_issued(issuer, subject) == X509_V_OK &&
                        X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    if (!issued) {
      return Wrong(file, absl::StrCat(Name(i, subject), " was not issued by the next one, ",
                                      Name(i + 1, issuer),
                                      "; each certificate must be followed by its issuer"));
    }
  }
  return absl::OkStatus();
}

// A handshake in memory with ourselves: whatever else OpenSSL holds against a set (a key too short
// for its security level, a weak signature, a curve that nobody offers) shows here, and not at the
// first connection.
absl::Status TryHandshake(const std::vector<X509Ptr>& chain, EVP_PKEY* key,
                          const std::string& file) {
  ERR_clear_error();
  const SslContextPtr server_context(SSL_CTX_new(TLS_server_method()));
  const SslContextPtr client_context(SSL_CTX_new(TLS_client_method()));
  if (server_context == nullptr || client_context == nullptr) {
    return absl::InternalError(absl::StrCat("OpenSSL has no TLS: ", TakeOpenSslError()));
  }
  const auto refused = [&](const std::string& what) {
    return Wrong(file, absl::StrCat(what, " is refused by OpenSSL: ", TakeOpenSslError()));
  };
  SSL_CTX_set_min_proto_version(server_context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(client_context.get(), SSL_VERIFY_NONE, nullptr);
  if (SSL_CTX_use_certificate(server_context.get(), chain[0].get()) != 1) {
    return refused(Name(0, chain[0].get()));
  }
  if (SSL_CTX_use_PrivateKey(server_context.get(), key) != 1) return refused("the private key");
  for (size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(server_context.get(), chain[i].get()) != 1) {
      return refused(Name(i, chain[i].get()));
    }
  }
  const SslPtr server(SSL_new(server_context.get()));
  const SslPtr client(SSL_new(client_context.get()));
  BIO* server_end = nullptr;
  BIO* client_end = nullptr;
  if (server == nullptr || client == nullptr ||
      BIO_new_bio_pair(&server_end, 0, &client_end, 0) != 1) {
    return absl::InternalError(absl::StrCat("OpenSSL cannot start TLS: ", TakeOpenSslError()));
  }
  SSL_set_bio(server.get(), server_end, server_end);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  // Each round lets either side run until it waits for the other. The pair's buffer holds 17 KiB,
  // so a long chain takes several.
  constexpr int kMostRounds = 1000;
  for (int round = 0; round < kMostRounds; ++round) {
    for (SSL* side : {client.get(), server.get()}) {
      const int result = SSL_do_handshake(side);
      if (result == 1) continue;
      const int error = SSL_get_error(side, result);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        return refused("a handshake with this certificate and key");
      }
    }
    if (SSL_is_init_finished(server.get()) == 1 && SSL_is_init_finished(client.get()) == 1) {
      ERR_clear_error();
      return absl::OkStatus();
    }
  }
  return Wrong(file, "a trial handshake with this certificate and key does not end");
}

absl::Status CheckServerPair(const std::vector<X509Ptr>& chain, EVP_PKEY* key,
                             const CertificateFiles& files, absl::Time now) {
  const std::string& file = files.certificate_chain;
  absl::Status status = CheckKeyMatches(chain, key, files);
  if (!status.ok()) return status;
  status = CheckOrder(chain, file);
  if (!status.ok()) return status;
  for (size_t i = 0; i < chain.size(); ++i) {
    status = CheckValidAt(now, chain[i].get(), i, file);
    if (!status.ok()) return status;
  }
  if (X509_check_purpose(chain[0].get(), X509_PURPOSE_SSL_SERVER, 0) != 1) {
    return Wrong(file, absl::StrCat(Name(0, chain[0].get()),
                                    " is not for servers: its key usage must allow TLS server "
                                    "authentication"));
  }
  return TryHandshake(chain, key, file);
}

// At least one root must be able to vouch for a client now; others may have expired, as they do in
// lists that are kept for years.
absl::Status CheckRoots(const std::vector<X509Ptr>& roots, const std::string& file, absl::Time now,
                        std::vector<std::string>* warnings) {
  size_t usable = 0;
  absl::Status first_problem;
  for (size_t i = 0; i < roots.size(); ++i) {
    absl::Status status = CheckValidAt(now, roots[i].get(), i, file);
    if (status.ok() && X509_check_ca(roots[i].get()) == 0) {
      status = Wrong(file, absl::StrCat(Name(i, roots[i].get()),
                                        " is not a certificate authority, so no client certificate "
                                        "can lead to it"));
    }
    if (status.ok()) {
      ++usable;
    } else {
      warnings->push_back(std::string(status.message()));
      if (first_problem.ok()) first_problem = std::move(status);
    }
  }
  return usable > 0 ? absl::OkStatus() : first_problem;
}

}  // namespace

absl::StatusOr<CertificateSet> ReadCertificateSet(const CertificateFiles& files, absl::Time now) {
  absl::StatusOr<SecretFile> chain_file =
      ReadSecretFile(files.certificate_chain, "the certificate chain", kLargestChainFile);
  if (!chain_file.ok()) return chain_file.status();
  absl::StatusOr<SecretFile> key_file =
      ReadSecretFile(files.private_key, "the private key", kLargestChainFile);
  if (!key_file.ok()) return key_file.status();

  const auto chain = ParseCertificates(chain_file->bytes, files.certificate_chain);
  if (!chain.ok()) return chain.status();
  const auto key = ParsePrivateKey(key_file->bytes, files.private_key);
  if (!key.ok()) return key.status();
  absl::Status status = CheckServerPair(*chain, key->get(), files, now);
  if (!status.ok()) return status;

  CertificateSet set;
  if (key_file->readable_by_group || key_file->readable_by_others) {
    set.warnings.push_back(absl::StrFormat(
        "%s: the private key can be read by %s (mode %04o); 0600 or 0400 keeps it secret",
        files.private_key, key_file->readable_by_others ? "everybody" : "its group",
        key_file->permissions));
  }
  for (size_t i = 0; i < chain->size(); ++i) {
    const X509* certificate = (*chain)[i].get();
    const absl::Time end = NotAfter(certificate);
    if (end - now < kExpiryWarning) {
      set.warnings.push_back(absl::StrCat(
          files.certificate_chain, ": ", Name(i, certificate), " expires at ", Show(end), ", in ",
          absl::FormatDuration(absl::Trunc(end - now, absl::Hours(1))), "; now is ", Show(now)));
    }
  }
  if (!files.client_ca.empty()) {
    absl::StatusOr<SecretFile> roots_file =
        ReadSecretFile(files.client_ca, "the list of client roots", kLargestRootsFile);
    if (!roots_file.ok()) return roots_file.status();
    const auto roots = ParseCertificates(roots_file->bytes, files.client_ca);
    if (!roots.ok()) return roots.status();
    status = CheckRoots(*roots, files.client_ca, now, &set.warnings);
    if (!status.ok()) return status;
    set.client_ca_pem = std::move(roots_file->bytes);
  }

  const X509* leaf = chain->front().get();
  set.certificate_chain_pem = std::move(chain_file->bytes);
  set.private_key_pem = std::move(key_file->bytes);
  set.subject = SubjectOf(leaf);
  set.serial = SerialOf(leaf);
  set.sha256 = Sha256Of(leaf);
  set.not_before = NotBefore(leaf);
  set.not_after = NotAfter(leaf);
  return set;
}

}  // namespace pointsman::server
