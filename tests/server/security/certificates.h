// Certificate authorities and certificates for tests, made in memory in milliseconds (P-256).
#ifndef POINTSMAN_TESTS_SERVER_SECURITY_CERTIFICATES_H_
#define POINTSMAN_TESTS_SERVER_SECURITY_CERTIFICATES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "server/security/certificate.h"
#include "server/security/pem.h"

namespace pointsman::server {

struct CertificateWish {
  std::string common_name = "localhost";
  std::vector<std::string> alternative_names = {"DNS:localhost", "IP:127.0.0.1"};
  std::string extended_key_usage{};  // such as "clientAuth"; empty: for anything
  bool is_authority = false;
  int rsa_bits = 0;  // 0: an elliptic curve
  absl::Time not_before = absl::Now() - absl::Hours(1);
  absl::Time not_after = absl::Now() + absl::Hours(24 * 90);
};

// A certificate with its key, and the authority's view of it: it can sign others if it is one.
class TestCertificate {
 public:
  // Signed by itself.
  static TestCertificate SelfSigned(const CertificateWish& wish);
  // An authority that has signed itself.
  static TestCertificate Authority(const std::string& common_name);
  // Signed by this one.
  TestCertificate Issue(const CertificateWish& wish) const;

  std::string pem() const;
  std::string key_pem() const;
  std::string encrypted_key_pem() const;
  std::string serial() const { return SerialOf(certificate_.get()); }

 private:
  static TestCertificate Make(const CertificateWish& wish, const TestCertificate* issuer);

  X509Ptr certificate_;
  KeyPtr key_;
};

// An empty directory of this test alone.
std::string MakeTestDirectory();

// Replaces the file by renaming, as an orderly rotation does. Mode 0600 unless told otherwise.
void WriteTestFile(const std::string& path, std::string_view contents, unsigned mode = 0600);

}  // namespace pointsman::server

#endif  // POINTSMAN_TESTS_SERVER_SECURITY_CERTIFICATES_H_
