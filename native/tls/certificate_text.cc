#include "tls/certificate_text.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "crypto/openssl_ptr.h"

namespace pageferry {

namespace {

constexpr std::size_t kMaxText = 200;

std::string plain(const unsigned char* bytes, int length) {
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string plain(const ASN1_STRING* string) {
  return plain(::ASN1_STRING_get0_data(string), ::ASN1_STRING_length(string));
}

std::string address_text(const ASN1_STRING* address) {
  char text[INET6_ADDRSTRLEN] = {};
  const int length = ::ASN1_STRING_length(address);
  if (length != 4 && length != 16) return "?";
  ::inet_ntop(length == 4 ? AF_INET : AF_INET6, ::ASN1_STRING_get0_data(address), text,
              sizeof(text));
  return text;
}

std::string subject_of(const X509* certificate) {
  const X509_NAME* subject = ::X509_get_subject_name(certificate);
  const int at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return "somebody without a name";
  return plain(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at)));
}

}  // namespace

std::string names_of(const X509* certificate) {
  const OpensslPtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int at = 0; at < sk_GENERAL_NAME_num(names.get()) && text.size() < kMaxText; ++at) {
    int type = 0;
    const void* value = ::GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), at), &type);
    if (type != GEN_DNS && type != GEN_IPADD) continue;
    const auto* string = static_cast<const ASN1_STRING*>(value);
    if (!text.empty()) text += ", ";
    text += type == GEN_DNS ? plain(string) : address_text(string);
  }
  if (text.empty()) text = subject_of(certificate);
  if (text.size() > kMaxText) text = text.substr(0, kMaxText) + "…";
  return text;
}

std::string to_text(const ASN1_TIME* time) {
  tm parts = {};
  char text[32] = {};
  if (::ASN1_TIME_to_tm(time, &parts) != 1) return "a time that makes no sense";
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

}  // namespace pageferry
