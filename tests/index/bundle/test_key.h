// Ed25519 keys that are the same in every run, as PEM.
#ifndef POINTSMAN_TESTS_INDEX_BUNDLE_TEST_KEY_H_
#define POINTSMAN_TESTS_INDEX_BUNDLE_TEST_KEY_H_

#include <string>

namespace pointsman::bundle {

struct TestKey {
  std::string private_pem;
  std::string public_pem;
};

// The key of this number; others have others.
TestKey MakeTestKey(int number);

// A P-256 key, which is no Ed25519 key.
TestKey MakeEcKey();

}  // namespace pointsman::bundle

#endif  // POINTSMAN_TESTS_INDEX_BUNDLE_TEST_KEY_H_
