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

void append_int(std::string& out, std::int64_t number) {
    using Limits = std::numeric_limits<std::int32_t>;
    number = std::clamp<std::int64_t>(number, Limits::min(), Limits::max());
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out += "<value><int>";
    out.append(digits, end);
    out += "</int></value>\n";
}

void append_double(std::string& out, double number) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    const std::string_view shortest(digits, static_cast<std::size_t>(end - digits));
    out += "<value><double>";
    out += shortest;
    if (std::isfinite(number) && shortest.find_first_of(".e") == std::string_view::npos) out += ".0";
    out += "</double></value>\n";
}

class Writer {
  public:
    Writer(std::string_view encoded, std::string& out) : left_(encoded), out_(out) {}
    bool at_end() const { return left_.empty(); }

    // <value>...</value> LF
    bool value(int depth) {
        std::uint8_t kind = 0;
        if (depth > kMaxDepth || !get(kind)) return false;
        switch (static_cast<Value::Kind>(kind)) {
            case Value::Kind::Nil: out_ += "<value><nil/></value>\n"; return true;
            case Value::Kind::Boolean: {
                std::uint8_t flag = 0;
                if (!get(flag)) return false;
                out_ += flag != 0 ? "<value><boolean>1</boolean></value>\n"
                                  : "<value><boolean>0</boolean></value>\n";
                return true;
            }
            case Value::Kind::Int: {
                std::int64_t number = 0;
                if (!get(number)) return false;
                append_int(out_, number);
                return true;
            }
            case Value::Kind::Double: {
                double number = 0;
                if (!get(number)) return false;
                append_double(out_, number);
                return true;
            }
            case Value::Kind::String:
                out_ += "<value><string>";
                if (!text()) return false;
                out_ += "</string></value>\n";
                return true;
            case Value::Kind::Array: {
                std::uint32_t count = 0;
                if (!get(count)) return false;
                out_ += "<value><array><data>\n";
                for (std::uint32_t i = 0; i < count; ++i) {
                    if (!value(depth + 1)) return false;
                }
                out_ += "</data></array></value>\n";
                return true;
            }
            case Value::Kind::Struct: {
                std::uint32_t count = 0;
                if (!get(count)) return false;
                out_ += "<value><struct>\n";
                for (std::uint32_t i = 0; i < count; ++i) {
                    out_ += "<member>\n<name>";
                    if (!text()) return false;
                    out_ += "</name>\n";
                    if (!value(depth + 1)) return false;
                    out_ += "</member>\n";
                }
                out_ += "</struct></value>\n";
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
    bool text() {
        std::uint32_t size = 0;
        if (!get(size) || left_.size() < size) return false;
        append_xml_text(out_, left_.substr(0, size));
        left_.remove_prefix(size);
        return true;
    }

    std::string_view left_;
    std::string& out_;
};

}  // namespace

bool write_result(std::string_view encoded, std::string& out) {
    out.clear();
    // Short values triple in size, long texts hardly grow; what is not needed is never touched.
    out.reserve(encoded.size() + std::min(encoded.size() * 3, kMostMarkup) + 256);
    out += kHead;
    out += "<params>\n<param>\n";
    Writer writer(encoded, out);
    if (!writer.value(1) || !writer.at_end()) return false;
    out += "</param>\n</params>\n</methodResponse>\n";
    return true;
}

std::string write_fault(std::int32_t code, std::string_view text) {
    std::string out(kHead);
    out += "<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n";
    append_int(out, code);
    out += "</member>\n<member>\n<name>faultString</name>\n<value><string>";
    append_xml_text(out, text);
    out += "</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n";
    return out;
}

}  // namespace reeve
