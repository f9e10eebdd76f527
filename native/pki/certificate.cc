#include "pki/certificate.h"

#include <arpa/inet.h>

#include <array>
#include <span>
#include <utility>

#include "crypto/error_queue.h"
#include "crypto/pem.h"
#include "pki/signer.h"

namespace pageferry::pki {

namespace {

constexpr int kSerialBits = 128;

struct Extension {
  int nid;
  const char* value;
};

// AKI comes after SKI: a CA that signs itself refers to its own.
constexpr std::array kAuthorityExtensions = {
    Extension{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    Extension{NID_key_usage, "critical,keyCertSign,cRLSign"},
    Extension{NID_subject_key_identifier, "hash"},
    Extension{NID_authority_key_identifier, "keyid:always"},
};
constexpr std::array kHostExtensions = {
    Extension{NID_basic_constraints, "critical,CA:FALSE"},
    Extension{NID_key_usage, "critical,digitalSignature"},
    Extension{NID_ext_key_usage, "serverAuth,clientAuth"},
    Extension{NID_subject_key_identifier, "hash"},
    Extension{NID_authority_key_identifier, "keyid:always"},
};

// Everything that a certificate needs before its extensions, but the issuer.
Result<OpensslPtr<X509>> begin_certificate(const std::string& name, Validity validity,
                                           EVP_PKEY* key) {
  OpensslPtr<X509> certificate(X509_new());
  const OpensslPtr<BIGNUM> serial(BN_new());
  const OpensslPtr<X509_NAME> subject(X509_NAME_new());
  if (certificate == nullptr || serial == nullptr || subject == nullptr) {
    return openssl_failure(StatusCode::kSystem, "cannot begin a certificate");
  }
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  if (X509_NAME_add_entry_by_NID(subject.get(), NID_commonName, MBSTRING_UTF8, text,
                                 static_cast<int>(name.size()), -1, 0) != 1) {
    return openssl_failure(StatusCode::kInvalidArgument, "'" + name + "' cannot be a common name");
  }
  const bool made =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) != nullptr &&
      X509_set_subject_name(certificate.get(), subject.get()) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), validity.begin) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), validity.end) != nullptr &&
      X509_set_pubkey(certificate.get(), key) == 1;
  if (!made) return openssl_failure(StatusCode::kSystem, "cannot fill in a certificate");
  return certificate;
}

Status add_extensions(X509* certificate, X509* signer, std::span<const Extension> extensions) {
  for (const auto& [nid, value] : extensions) {
    auto extension = make_extension({.signer = signer, .subject = certificate}, nid, value);
    if (!extension.ok()) return extension.status();
    if (X509_add_ext(certificate, extension.value().get(), -1) != 1) {
      return openssl_failure(StatusCode::kSystem, "cannot add an extension");
    }
  }
  return {};
}

// The bytes of an IP address, or of a DNS name, as the certificate has them.
OpensslPtr<GENERAL_NAME> general_name(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  std::span<const unsigned char> bytes(reinterpret_cast<const unsigned char*>(name.data()),
                                       name.size());
  int kind = GEN_DNS;
  if (inet_pton(AF_INET, name.c_str(), address.data()) == 1) {
    kind = GEN_IPADD;
    bytes = std::span(address).first(sizeof(in_addr));
  } else if (inet_pton(AF_INET6, name.c_str(), address.data()) == 1) {
    kind = GEN_IPADD;
    bytes = address;
  }
  OpensslPtr<GENERAL_NAME> made(GENERAL_NAME_new());
  OpensslPtr<ASN1_STRING> value(
      ASN1_STRING_type_new(kind == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING));
  if (made == nullptr || value == nullptr ||
      ASN1_STRING_set(value.get(), bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return nullptr;
  }
  GENERAL_NAME_set0_value(made.get(), kind, value.release());
  return made;
}

Status add_names(X509* certificate, const std::vector<std::string>& names) {
  const OpensslPtr<GENERAL_NAMES> all(GENERAL_NAMES_new());
  if (all == nullptr) return openssl_failure(StatusCode::kSystem, "cannot add names");
  for (const std::string& name : names) {
    OpensslPtr<GENERAL_NAME> made = general_name(name);
    if (made == nullptr || sk_GENERAL_NAME_push(all.get(), made.get()) == 0) {
      return openssl_failure(StatusCode::kSystem, "cannot add a name");
    }
    static_cast<void>(made.release());  // The list has it now.
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, X509V3_ADD_DEFAULT) != 1) {
    return openssl_failure(StatusCode::kSystem, "cannot add names");
  }
  return {};
}

Result<Credential> sign(X509* certificate, EVP_PKEY* key, X509* signer, EVP_PKEY* signer_key) {
  if (X509_set_issuer_name(certificate, X509_get_subject_name(signer)) != 1 ||
      X509_sign(certificate, signer_key, EVP_sha256()) == 0) {
    return openssl_failure(StatusCode::kSystem, "cannot sign a certificate");
  }
  auto certificate_pem = to_pem(certificate);
  if (!certificate_pem.ok()) return certificate_pem.status();
  auto key_pem = to_pem(key);
  if (!key_pem.ok()) return key_pem.status();
  return Credential{std::move(certificate_pem.value()), std::move(key_pem.value())};
}

Result<OpensslPtr<EVP_PKEY>> create_key() {
  OpensslPtr<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (key == nullptr) return openssl_failure(StatusCode::kSystem, "cannot make a key");
  return key;
}

}  // namespace

Result<Credential> create_authority(const std::string& name, Validity validity) {
  const ErrorQueue errors;
  const auto key = create_key();
  if (!key.ok()) return key.status();
  EVP_PKEY* own_key = key.value().get();
  const auto certificate = begin_certificate(name, validity, own_key);
  if (!certificate.ok()) return certificate.status();
  X509* self = certificate.value().get();
  Status added = add_extensions(self, self, kAuthorityExtensions);
  if (!added.ok()) return added;
  return sign(self, own_key, self, own_key);
}

Result<Credential> issue_certificate(const Credential& authority,
                                     const std::vector<std::string>& names, Validity validity) {
  const ErrorQueue errors;
  if (names.empty()) return Status(StatusCode::kInvalidArgument, "a certificate needs a name");
  const auto signer = read_signer(authority);
  if (!signer.ok()) return signer.status();
  X509* issuer = signer.value().certificate.get();
  const auto key = create_key();
  if (!key.ok()) return key.status();
  const auto certificate = begin_certificate(names.front(), validity, key.value().get());
  if (!certificate.ok()) return certificate.status();
  X509* host = certificate.value().get();
  Status added = add_extensions(host, issuer, kHostExtensions);
  if (added.ok()) added = add_names(host, names);
  if (!added.ok()) return added;
  return sign(host, key.value().get(), issuer, signer.value().key.get());
}

}  // namespace pageferry::pki
