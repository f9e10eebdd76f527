#include "pki/revocation_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "pki/pki_test_util.h"

namespace pageferry::pki {
namespace {

std::string signed_list(const Credential& by, const RevocationList& list,
                        Validity validity = kTenYears) {
  auto made = sign_revocation_list(by, list, validity);
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made.value();
}

int refusal_with(const Credential& credential, const Credential& by, const std::string& list) {
  return refusal(credential, by, X509_PURPOSE_SSL_CLIENT, kNow, list);
}

TEST(RevocationList, EmptyOneRefusesNobody) {
  const Credential by = authority();
  const std::string list = signed_list(by, {.number = 1, .revoked = {}});
  EXPECT_EQ(refusal_with(host(by), by, list), X509_V_OK);
  const auto read = read_revocation_list(by.certificate, list);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().number, 1U);
  EXPECT_TRUE(read.value().revoked.empty());
}

TEST(RevocationList, RefusesWhatIsOnItAndNothingElse) {
  const Credential by = authority();
  const Credential stolen = host(by, {"host-a"});
  const Credential other = host(by, {"host-b"});
  const std::string list = signed_list(by, {.number = 2, .revoked = {{serial_of(stolen), kNow}}});
  EXPECT_EQ(refusal_with(stolen, by, list), X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(refusal_with(other, by, list), X509_V_OK);
}

TEST(RevocationList, IsReadAsItWasWritten) {
  const Credential by = authority();
  RevocationList written{.number = 0xffffffffffU, .revoked = {}};
  for (int i = 0; i < 100; ++i) written.revoked.push_back({serial_of(host(by)), kNow + i});
  // Of a single byte, and of the most that RFC 5280 allows.
  written.revoked.push_back({"0A", kNow});
  written.revoked.push_back({"7F" + std::string(38, 'F'), kNow});
  auto read = read_revocation_list(by.certificate, signed_list(by, written));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read.value().number, written.number);
  const auto by_serial = [](const Revocation& a, const Revocation& b) {
    return a.serial < b.serial;
  };
  std::sort(written.revoked.begin(), written.revoked.end(), by_serial);
  std::sort(read.value().revoked.begin(), read.value().revoked.end(), by_serial);
  ASSERT_EQ(read.value().revoked.size(), written.revoked.size());
  for (std::size_t at = 0; at < written.revoked.size(); ++at) {
    EXPECT_EQ(read.value().revoked[at].serial, written.revoked[at].serial);
    EXPECT_EQ(read.value().revoked[at].at, written.revoked[at].at);
  }
}

TEST(RevocationList, OneThatAnotherAuthorityOfThatNameSignedIsRefused) {
  const Credential by = authority();
  const std::string list = signed_list(authority(), {.number = 1, .revoked = {}});
  EXPECT_EQ(read_revocation_list(by.certificate, list).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(RevocationList, NobodyIsTakenOnceItHasExpired) {
  const Credential by = authority();
  const std::string list = signed_list(by, {.number = 1, .revoked = {}}, {kNow - kDay, kNow - 1});
  EXPECT_EQ(refusal_with(host(by), by, list), X509_V_ERR_CRL_HAS_EXPIRED);
}

TEST(RevocationList, DamagedOneIsRefused) {
  const Credential by = authority();
  const std::string list = signed_list(by, {.number = 1, .revoked = {}});
  for (const std::string& damaged : {std::string(), list.substr(0, 100), by.certificate}) {
    EXPECT_EQ(read_revocation_list(by.certificate, damaged).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(RevocationList, TextThatIsNoSerialNumberIsRefused) {
  const Credential by = authority();
  for (const std::string text : {"", "0x1", "12 34", "-1", "host-a"}) {
    const auto made = sign_revocation_list(by, {.number = 1, .revoked = {{text, kNow}}}, kTenYears);
    EXPECT_EQ(made.status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace pageferry::pki
