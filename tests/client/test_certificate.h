// A self-signed certificate made on the spot, so that no key is kept in the repository.
#ifndef POINTSMAN_TESTS_CLIENT_TEST_CERTIFICATE_H_
#define POINTSMAN_TESTS_CLIENT_TEST_CERTIFICATE_H_

#include <string>

namespace pointsman::testing {

struct Certificate {
  std::string certificate_pem;  // its own root
  std::string private_key_pem;
};

// Valid for an hour, for this DNS name only.
Certificate MakeCertificate(const std::string& dns_name);

}  // namespace pointsman::testing

#endif  // POINTSMAN_TESTS_CLIENT_TEST_CERTIFICATE_H_
