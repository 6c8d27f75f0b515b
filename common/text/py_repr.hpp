// Quoting as the reference's messages have it, which scripts and people know.
#pragma once

#include <string>
#include <string_view>

namespace reeve {

// A string literal: in single quotes, or in double quotes if the text has ' and no "; backslash doubled;
// TAB, LF, CR as \t \n \r; other control or non-printable characters as \xNN, \uNNNN or \UNNNNNNNN.
// Bytes that are no UTF-8 appear as \xNN.
std::string py_repr(std::string_view text);

// A bytes literal: b'...', every byte outside printable ASCII as \xNN.
std::string py_repr_bytes(std::string_view bytes);

// Decodes one character at text[pos]; advances pos. -1 for an invalid byte (pos advances by one).
char32_t decode_utf8(std::string_view text, std::size_t& pos);
constexpr char32_t kInvalidUtf8 = 0xFFFFFFFF;

bool is_utf8(std::string_view text);

// How many characters a UTF-8 text has (invalid bytes count one each).
std::size_t count_characters(std::string_view text);

}  // namespace reeve
