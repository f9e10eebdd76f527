#include "pki/certificate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "crypto/pem.h"
#include "pki/pki_test_util.h"

namespace pageferry::pki {
namespace {

std::string extension(X509* certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate, nid, -1);
  if (at < 0) return "none";
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  X509_EXTENSION* found = X509_get_ext(certificate, at);
  X509V3_EXT_print(bio.get(), found, 0, 0);
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  const std::string critical = X509_EXTENSION_get_critical(found) == 1 ? "critical " : "";
  return critical + std::string(text, static_cast<std::size_t>(length));
}

TEST(Certificate, AuthoritySignsHostsAndNoOtherAuthorities) {
  const OpensslPtr<X509> certificate = parsed(authority());
  EXPECT_EQ(X509_self_signed(certificate.get(), 1), 1);
  EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
  EXPECT_EQ(extension(certificate.get(), NID_basic_constraints), "critical CA:TRUE, pathlen:0");
  EXPECT_EQ(extension(certificate.get(), NID_key_usage), "critical Certificate Sign, CRL Sign");
  EXPECT_NE(X509_get0_subject_key_id(certificate.get()), nullptr);
}

TEST(Certificate, HostMayBeEitherSideAndSignNothing) {
  const Credential by = authority();
  const Credential made = host(by);
  const OpensslPtr<X509> certificate = parsed(made);
  EXPECT_EQ(extension(certificate.get(), NID_basic_constraints), "critical CA:FALSE");
  EXPECT_EQ(extension(certificate.get(), NID_key_usage), "critical Digital Signature");
  EXPECT_EQ(extension(certificate.get(), NID_ext_key_usage),
            "TLS Web Server Authentication, TLS Web Client Authentication");
  ASSERT_NE(X509_get0_authority_key_id(certificate.get()), nullptr);
  EXPECT_EQ(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(certificate.get()),
                                  X509_get0_subject_key_id(parsed(by).get())),
            0);
  EXPECT_EQ(refusal(made, by, X509_PURPOSE_SSL_SERVER), X509_V_OK);
  EXPECT_EQ(refusal(made, by, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
  EXPECT_EQ(issue_certificate(made, {"another"}, kOneYear).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Certificate, KeyIsThatOfTheCertificateOnP256) {
  const Credential made = host(authority());
  const auto key = read_private_key(made.key);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(X509_check_private_key(parsed(made).get(), key.value().get()), 1);
  char group[32] = {};
  EXPECT_EQ(EVP_PKEY_get_group_name(key.value().get(), group, sizeof(group), nullptr), 1);
  EXPECT_STREQ(group, "prime256v1");
}

TEST(Certificate, EveryNameIsADnsNameOrAnAddress) {
  const Credential by = authority();
  const OpensslPtr<X509> certificate =
      parsed(host(by, {"host-a", "host-a.example", "10.0.0.1", "fd00::1"}));
  EXPECT_EQ(extension(certificate.get(), NID_subject_alt_name),
            "DNS:host-a, DNS:host-a.example, IP Address:10.0.0.1, "
            "IP Address:FD00:0:0:0:0:0:0:1");
  EXPECT_EQ(X509_check_host(certificate.get(), "host-a.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "host-b", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "10.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "fd00:0::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "10.0.0.2", 0), 0);
}

TEST(Certificate, NameIsNeverReadAsSeveral) {
  const Credential made = host(authority(), {"a,DNS:b"});
  EXPECT_EQ(X509_check_host(parsed(made).get(), "b", 0, 0, nullptr), 0);
}

TEST(Certificate, NobodyTakesItFromAnotherAuthorityOfTheSameName) {
  EXPECT_NE(refusal(host(authority()), authority()), X509_V_OK);
}

TEST(Certificate, IsGoodFromItsFirstSecondToItsLast) {
  const Credential by = authority();
  const Credential made = host(by);
  const auto at = [&](std::int64_t time) {
    return refusal(made, by, X509_PURPOSE_SSL_SERVER, time);
  };
  EXPECT_EQ(at(kOneYear.begin - 1), X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(at(kOneYear.begin), X509_V_OK);
  EXPECT_EQ(at(kOneYear.end - 1), X509_V_OK);
  EXPECT_EQ(at(kOneYear.end), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST(Certificate, ValidityMayEndAfter2050) {
  const auto made = create_authority("long", {kNow, kNow + 36500 * kDay});
  ASSERT_TRUE(made.ok());
  const OpensslPtr<X509> certificate = parsed(made.value());
  int days = 0;
  int seconds = 0;
  EXPECT_EQ(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate.get()),
                           X509_get0_notAfter(certificate.get())),
            1);
  EXPECT_EQ(days, 36500);
}

TEST(Certificate, SerialNumbersAreRandomAndOf128Bits) {
  const Credential by = authority();
  std::set<std::string> serials;
  std::size_t longest = 0;
  for (int i = 0; i < 64; ++i) {
    const std::string serial = serial_of(host(by));
    EXPECT_LE(serial.size(), 32U);
    longest = std::max(longest, serial.size());
    serials.insert(serial);
  }
  EXPECT_EQ(serials.size(), 64U);
  EXPECT_EQ(longest, 32U);
}

TEST(Certificate, CommonNameHasAtMost64Characters) {
  const Credential by = authority();
  EXPECT_TRUE(issue_certificate(by, {std::string(63, 'a')}, kOneYear).ok());
  const Status status = issue_certificate(by, {std::string(65, 'a')}, kOneYear).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(issue_certificate(by, {}, kOneYear).status().code(), StatusCode::kInvalidArgument);
  // Of the alphabet, not of its bytes.
  std::string umlauts;
  for (int i = 0; i < 64; ++i) umlauts += "\xc3\xa4";
  EXPECT_TRUE(create_authority(umlauts, kTenYears).ok());
}

TEST(Certificate, AuthorityThatIsDamagedIsRefusedWithTheReason) {
  const Credential good = authority();
  const Credential other = authority();
  const std::vector<Credential> damaged = {
      {"", good.key},
      {good.certificate, ""},
      {good.certificate.substr(0, 200), good.key},
      {good.certificate, good.key.substr(0, 100)},
      {good.key, good.certificate},
      {good.certificate, other.key},
  };
  for (const Credential& credential : damaged) {
    const Status status = issue_certificate(credential, {"host-a"}, kOneYear).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_FALSE(status.message().empty());
  }
}

}  // namespace
}  // namespace pageferry::pki
