// The writer of XML-RPC answers. See xml_write.hpp.
#include "rpc/xml_write.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/rpcproto/value.hpp"
#include "rpc/text.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMostMarkup = 16 * 1024 * 1024;
constexpr std::string_view kHead = "<?xml version='1.0'?>\n<methodResponse>\n";

constexpr std::size_t kMarkup = 128;  // more than any piece of markup, a number included
constexpr std::size_t kLarge = 64 * 1024;

// A text that grows, for many short pieces: room is made once for several of them.
class Output {
  public:
    explicit Output(std::string& text) : text_(text) { text_.resize(text_.capacity()); }

    // At least so many bytes can be put without a further check.
    void need(std::size_t size) {
        if (text_.size() - used_ < size) text_.resize(text_.size() * 2 + size);
    }
    template <std::size_t size>
    void put(const char (&literal)[size]) {
        std::memcpy(text_.data() + used_, literal, size - 1);
        used_ += size - 1;
    }
    void put(std::string_view piece) {
        piece.copy(text_.data() + used_, piece.size());
        used_ += piece.size();
    }
    void put_number(std::int64_t number) {
        char* const begin = text_.data() + used_;
        used_ += static_cast<std::size_t>(std::to_chars(begin, begin + 24, number).ptr - begin);
    }
    // Text that may need escapes, and room for kMarkup behind it.
    // False, with nothing put, if it is too long.
    bool put_text(std::string_view text);
    void finish() { text_.resize(used_); }

  private:
    std::string& text_;
    std::size_t used_ = 0;
};

void put_int(Output& out, std::int64_t number) {
    using Limits = std::numeric_limits<std::int32_t>;
    out.need(kMarkup);
    out.put("<value><int>");
    out.put_number(std::clamp<std::int64_t>(number, Limits::min(), Limits::max()));
    out.put("</int></value>\n");
}

void put_double(Output& out, double number) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    const std::string_view shortest(digits, static_cast<std::size_t>(end - digits));
    out.need(kMarkup);
    out.put("<value><double>");
    out.put(shortest);
    if (std::isfinite(number) && shortest.find_first_of(".e") == std::string_view::npos) out.put(".0");
    out.put("</double></value>\n");
}

bool Output::put_text(std::string_view text) {
    if (text.size() > kLarge) {  // never two copies of a whole log
        const std::size_t size = used_ + xml_text_size(text);
        if (size > kMaxXmlText) return false;
        finish();
        text_.reserve(size + kMarkup);
        append_xml_text(text_, text);
        used_ = text_.size();
        text_.resize(text_.capacity());
        need(kMarkup);
        return true;
    }
    if (needs_no_escape(text)) {
        need(text.size() + kMarkup);
        put(text);
        return true;
    }
    std::string escaped;
    append_xml_text(escaped, text);
    need(escaped.size() + kMarkup);
    put(escaped);
    return true;
}

class Writer {
  public:
    Writer(std::string_view encoded, Output& out) : left_(encoded), out_(out) {}
    bool at_end() const { return left_.empty(); }

    // <value>...</value> LF
    bool value(int depth) {
        std::uint8_t kind = 0;
        if (depth > kMaxDepth || !get(kind)) return false;
        out_.need(kMarkup);
        switch (static_cast<Value::Kind>(kind)) {
            case Value::Kind::Nil: out_.put("<value><nil/></value>\n"); return true;
            case Value::Kind::Boolean: {
                std::uint8_t flag = 0;
                if (!get(flag)) return false;
                if (flag != 0) {
                    out_.put("<value><boolean>1</boolean></value>\n");
                } else {
                    out_.put("<value><boolean>0</boolean></value>\n");
                }
                return true;
            }
            case Value::Kind::Int: {
                std::int64_t number = 0;
                if (!get(number)) return false;
                put_int(out_, number);
                return true;
            }
            case Value::Kind::Double: {
                double number = 0;
                if (!get(number)) return false;
                put_double(out_, number);
                return true;
            }
            case Value::Kind::String:
                out_.put("<value><string>");
                if (!text()) return false;
                out_.put("</string></value>\n");
                return true;
            case Value::Kind::Array: {
                std::uint32_t count = 0;
                if (!get(count)) return false;
                out_.put("<value><array><data>\n");
                for (std::uint32_t i = 0; i < count; ++i) {
                    if (!value(depth + 1)) return false;
                }
                out_.need(kMarkup);
                out_.put("</data></array></value>\n");
                return true;
            }
            case Value::Kind::Struct: {
                std::uint32_t count = 0;
                if (!get(count)) return false;
                out_.put("<value><struct>\n");
                for (std::uint32_t i = 0; i < count; ++i) {
                    out_.need(kMarkup);
                    out_.put("<member>\n<name>");
                    if (!text()) return false;
                    out_.put("</name>\n");
                    if (!value(depth + 1)) return false;
                    out_.need(kMarkup);
                    out_.put("</member>\n");
                }
                out_.need(kMarkup);
                out_.put("</struct></value>\n");
                return true;
            }
        }
        return false;  // no kind of value
    }

  private:
    template <typename T>
    bool get(T& number) {
        if (left_.size() < sizeof(T)) return false;
        std::memcpy(&number, left_.data(), sizeof(T));
        left_.remove_prefix(sizeof(T));
        return true;
    }
    // Leaves room for the markup behind it.
    bool text() {
        std::uint32_t size = 0;
        if (!get(size) || left_.size() < size) return false;
        if (!out_.put_text(left_.substr(0, size))) return false;
        left_.remove_prefix(size);
        return true;
    }

    std::string_view left_;
    Output& out_;
};

}  // namespace

bool write_result(std::string_view encoded, std::string& text) {
    text.clear();
    // Short values triple in size, long texts hardly grow.
    text.reserve(encoded.size() + std::min(encoded.size() * 2, kMostMarkup) + 512);
    Output out(text);
    out.put(kHead);
    out.put("<params>\n<param>\n");
    Writer writer(encoded, out);
    const bool good = writer.value(1) && writer.at_end();
    out.need(kMarkup);
    out.put("</param>\n</params>\n</methodResponse>\n");
    out.finish();
    return good;
}

std::string write_fault(std::int32_t code, std::string_view text) {
    std::string answer;
    answer.reserve(text.size() + 512);
    Output out(answer);
    out.put(kHead);
    out.put("<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n");
    put_int(out, code);
    out.need(kMarkup);
    out.put("</member>\n<member>\n<name>faultString</name>\n<value><string>");
    out.put_text(text);
    out.put("</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n");
    out.finish();
    return answer;
}

}  // namespace reeve
