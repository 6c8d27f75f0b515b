// Text as it crosses the border to browsers and XML parsers: cleaned, escaped, percent- and base64-coded.
//
// Logs hold arbitrary bytes, XML and HTML do not. Bytes that are no UTF-8 become U+FFFD and control bytes
// other than TAB, LF and CR their Unicode control pictures (ESC = U+241B), so that a log with colour codes
// can be read by any client. Only the log streams carry bytes as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reeve {

// Whether append_xml_text() would append just the text.
bool needs_no_escape(std::string_view text);
// Appends the text cleaned, with & < > escaped: for XML text. Quotes stay.
void append_xml_text(std::string& out, std::string_view text);
// How many bytes it appends, or a few more.
std::size_t xml_text_size(std::string_view text);
// The same for HTML, where quotes are escaped as well, so that it fits into an attribute.
std::string html(std::string_view text);

// %XX decoded where two hexadecimal digits follow; everything else stays.
std::string percent_decode(std::string_view text);
// Everything but letters, digits, "_.-~" and the characters of `safe` as %XX.
std::string percent_encode(std::string_view text, std::string_view safe = "/");

// Standard base64 as lenient as clients need it: characters outside the alphabet are skipped, and whatever
// follows the padding is ignored. nullopt if a group is left incomplete.
std::optional<std::string> base64_decode(std::string_view text);

// Fields of a query string or of an urlencoded form, in order; those with an empty value are left out.
using Fields = std::vector<std::pair<std::string, std::string>>;
Fields parse_fields(std::string_view text);
// The first field of that name, or nullptr.
const std::string* find_field(const Fields& fields, std::string_view name);

// "Sat, 21 Nov 2026 00:02:49 GMT", seconds since 1970.
std::string http_date(std::int64_t seconds);
// The same read back; nullopt for any other form.
std::optional<std::int64_t> parse_http_date(std::string_view text);
// "Sat Nov 21 00:02:49 2026" in local time, as the messages of the web pages have it.
std::string local_time(std::int64_t seconds);

}  // namespace reeve
