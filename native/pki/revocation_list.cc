#include "pki/revocation_list.h"

#include <ctime>
#include <utility>

#include "crypto/error_queue.h"
#include "crypto/pem.h"
#include "pki/signer.h"

namespace pageferry::pki {

namespace {

OpensslPtr<ASN1_TIME> time_of(std::int64_t seconds) {
  return OpensslPtr<ASN1_TIME>(ASN1_TIME_set(nullptr, seconds));
}

Status add_revocation(X509_CRL* crl, const Revocation& revocation) {
  BIGNUM* parsed = nullptr;
  const bool whole = static_cast<std::size_t>(BN_hex2bn(&parsed, revocation.serial.c_str())) ==
                     revocation.serial.size();
  const OpensslPtr<BIGNUM> serial(parsed);
  if (!whole || serial == nullptr || BN_is_negative(serial.get()) != 0) {
    return Status(StatusCode::kInvalidArgument, "'" + revocation.serial + "' is no serial number");
  }
  OpensslPtr<X509_REVOKED> revoked(X509_REVOKED_new());
  const OpensslPtr<ASN1_INTEGER> integer(BN_to_ASN1_INTEGER(serial.get(), nullptr));
  const OpensslPtr<ASN1_TIME> at = time_of(revocation.at);
  if (revoked == nullptr || integer == nullptr || at == nullptr ||
      X509_REVOKED_set_serialNumber(revoked.get(), integer.get()) != 1 ||
      X509_REVOKED_set_revocationDate(revoked.get(), at.get()) != 1 ||
      X509_CRL_add0_revoked(crl, revoked.get()) != 1) {
    return openssl_failure(StatusCode::kSystem, "cannot add a revocation");
  }
  static_cast<void>(revoked.release());  // The list has it now.
  return {};
}

Status add_number(X509_CRL* crl, std::uint64_t number) {
  const OpensslPtr<ASN1_INTEGER> integer(ASN1_INTEGER_new());
  if (integer == nullptr || ASN1_INTEGER_set_uint64(integer.get(), number) != 1 ||
      X509_CRL_add1_ext_i2d(crl, NID_crl_number, integer.get(), 0, X509V3_ADD_DEFAULT) != 1) {
    return openssl_failure(StatusCode::kSystem, "cannot number a certificate revocation list");
  }
  return {};
}

Status add_key_identifier(X509_CRL* crl, X509* signer) {
  auto extension =
      make_extension({.signer = signer, .crl = crl}, NID_authority_key_identifier, "keyid:always");
  if (!extension.ok()) return extension.status();
  if (X509_CRL_add_ext(crl, extension.value().get(), -1) != 1) {
    return openssl_failure(StatusCode::kSystem, "cannot add an extension");
  }
  return {};
}

Result<OpensslPtr<X509_CRL>> begin_list(X509* signer, Validity validity) {
  OpensslPtr<X509_CRL> crl(X509_CRL_new());
  const OpensslPtr<ASN1_TIME> begin = time_of(validity.begin);
  const OpensslPtr<ASN1_TIME> end = time_of(validity.end);
  if (crl == nullptr || begin == nullptr || end == nullptr ||
      X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(signer)) != 1 ||
      X509_CRL_set1_lastUpdate(crl.get(), begin.get()) != 1 ||
      X509_CRL_set1_nextUpdate(crl.get(), end.get()) != 1) {
    return openssl_failure(StatusCode::kSystem, "cannot begin a certificate revocation list");
  }
  return crl;
}

Result<Revocation> read_revocation(const X509_REVOKED* revoked) {
  const OpensslPtr<BIGNUM> serial(
      ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(revoked), nullptr));
  std::tm at{};
  if (serial == nullptr || ASN1_TIME_to_tm(X509_REVOKED_get0_revocationDate(revoked), &at) != 1) {
    return openssl_failure(StatusCode::kInvalidArgument, "a revocation cannot be read");
  }
  char* text = BN_bn2hex(serial.get());
  if (text == nullptr) return openssl_failure(StatusCode::kSystem, "cannot write a serial number");
  Revocation revocation{text, timegm(&at)};
  OPENSSL_free(text);
  return revocation;
}

}  // namespace

Result<std::string> sign_revocation_list(const Credential& authority, const RevocationList& list,
                                         Validity validity) {
  const ErrorQueue errors;
  const auto signer = read_signer(authority);
  if (!signer.ok()) return signer.status();
  X509* issuer = signer.value().certificate.get();
  const auto begun = begin_list(issuer, validity);
  if (!begun.ok()) return begun.status();
  X509_CRL* crl = begun.value().get();
  Status added = add_number(crl, list.number);
  if (added.ok()) added = add_key_identifier(crl, issuer);
  for (const Revocation& revocation : list.revoked) {
    if (added.ok()) added = add_revocation(crl, revocation);
  }
  if (!added.ok()) return added;
  if (X509_CRL_sort(crl) != 1 || X509_CRL_sign(crl, signer.value().key.get(), EVP_sha256()) == 0) {
    return openssl_failure(StatusCode::kSystem, "cannot sign a certificate revocation list");
  }
  return to_pem(crl);
}

Result<RevocationList> read_revocation_list(const std::string& authority_certificate,
                                            const std::string& pem) {
  const ErrorQueue errors;
  const auto authority = read_certificates(authority_certificate);
  if (!authority.ok()) return authority.status();
  const auto read = read_revocation_lists(pem);
  if (!read.ok()) return read.status();
  X509_CRL* crl = read.value().front().get();
  if (X509_CRL_verify(crl, X509_get0_pubkey(authority.value().front().get())) != 1) {
    return Status(StatusCode::kInvalidArgument,
                  "the certificate revocation list was not signed by this CA");
  }
  RevocationList list;
  const OpensslPtr<ASN1_INTEGER> number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, nullptr, nullptr)));
  if (number == nullptr || ASN1_INTEGER_get_uint64(&list.number, number.get()) != 1) {
    return Status(StatusCode::kInvalidArgument, "the certificate revocation list has no number");
  }
  STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(crl);
  for (int at = 0; at < sk_X509_REVOKED_num(revoked); ++at) {
    auto revocation = read_revocation(sk_X509_REVOKED_value(revoked, at));
    if (!revocation.ok()) return revocation.status();
    list.revoked.push_back(std::move(revocation.value()));
  }
  return list;
}

}  // namespace pageferry::pki
