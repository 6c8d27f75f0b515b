// The decoder of XML-RPC calls. See xml_decode.hpp.
//
// Each open element is a frame that collects the text before its first child and the values of its children;
// when it ends it is turned into one value, which goes to its parent. What wrappers like param or value do
// follows from that alone, which is why they may be missing.
#include "rpc/xml_decode.hpp"

#include <expat.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>

#include "common/text/py_repr.hpp"
#include "rpc/text.hpp"

namespace reeve {
namespace {

std::string_view strip(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\n\r\v\f";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits may be grouped by single underscores between them.
bool drop_underscores(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            out += text[i];
        } else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
            return false;
        }
    }
    return true;
}

// An integer of any size; beyond 64 bits it saturates, since no method knows what to do with more.
std::optional<Value> to_int(std::string_view text) {
    std::string digits;
    if (!drop_underscores(strip(text), digits)) return std::nullopt;
    std::string_view left = digits;
    if (left.starts_with('+')) {
        left.remove_prefix(1);
        if (left.starts_with('-')) return std::nullopt;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), number);
    if (left.empty() || end != left.data() + left.size() || error == std::errc::invalid_argument)
        return std::nullopt;
    if (error == std::errc::result_out_of_range) {
        using Limits = std::numeric_limits<std::int64_t>;
        number = left.front() == '-' ? Limits::min() : Limits::max();
    }
    return Value::integer(number);
}

std::optional<Value> to_double(std::string_view text) {
    std::string digits;
    if (!drop_underscores(strip(text), digits) || digits.empty()) return std::nullopt;
    // strtod also knows hexadecimal numbers and nan(...), which nobody means.
    if (digits.find_first_of("xX(") != std::string::npos) return std::nullopt;
    char* end = nullptr;
    const double number = std::strtod(digits.c_str(), &end);
    if (end != digits.c_str() + digits.size()) return std::nullopt;
    return Value::real(number);
}

// "20261121T00:02:49" and no other form; there is no date type beyond, so it goes on as readable text.
std::optional<Value> to_date(std::string_view text) {
    constexpr std::string_view kForm = "ddddddddTdd:dd:dd";
    text = strip(text);
    if (text.size() != kForm.size()) return std::nullopt;
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        if (kForm[i] == 'd' ? !is_digit(text[i]) : text[i] != kForm[i]) return std::nullopt;
    }
    const auto number = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    if (number(4) < 1 || number(4) > 12 || number(6) < 1 || number(6) > 31 || number(9) > 23 ||
        number(12) > 59 || number(15) > 59) {
        return std::nullopt;
    }
    std::string out(text.substr(0, 4));
    out.append("-").append(text.substr(4, 2)).append("-").append(text.substr(6, 2)).append(" ");
    out.append(text.substr(9));
    return Value::string(std::move(out));
}

enum class Tag {
    Other,
    Int,
    Boolean,
    String,
    Double,
    Date,
    Base64,
    Array,
    Data,
    Struct,
    Param,
    Params,
    Value,
    Method
};

Tag tag_of(std::string_view name) {
    struct Row {
        std::string_view name;
        Tag tag;
    };
    static constexpr Row kRows[] = {
        {"value", Tag::Value},
        {"param", Tag::Param},
        {"string", Tag::String},
        {"int", Tag::Int},
        {"i4", Tag::Int},
        {"boolean", Tag::Boolean},
        {"double", Tag::Double},
        {"struct", Tag::Struct},
        {"array", Tag::Array},
        {"data", Tag::Data},
        {"base64", Tag::Base64},
        {"params", Tag::Params},
        {"methodName", Tag::Method},
        {"dateTime.iso8601", Tag::Date},
    };
    for (const Row& row : kRows) {
        if (row.name == name) return row.tag;
    }
    return Tag::Other;
}

struct Frame {
    Tag tag = Tag::Other;
    std::string text;
    std::vector<Value> children;
};

class Machine {
  public:
    Machine(XML_Parser parser, XmlCall& call) : parser_(parser), call_(call) {}

    bool has_method = false;
    const char* error = nullptr;

    void on_start(std::string_view name) {
        if (error != nullptr) return;
        if (frames_.size() >= kDepthLimit) return fail("nested too deep");
        if (++values_ > kMaxCallValues) return fail("too many values");
        frames_.emplace_back().tag = tag_of(name);
    }

    void on_text(std::string_view text) {
        // A child ends its parent's text; an element that is still open is always the last frame.
        if (error == nullptr && !frames_.empty() && frames_.back().children.empty())
            frames_.back().text += text;
    }

    void on_end() {
        if (error != nullptr) return;
        Frame frame = std::move(frames_.back());
        frames_.pop_back();
        if (frame.tag == Tag::Method) {
            has_method = !frame.text.empty();
            call_.method = frame.text;
        } else if (frame.tag == Tag::Params) {
            call_.params = std::move(frame.children);
            frame.children.clear();
        }
        if (!frames_.empty() && frames_.back().tag == Tag::Struct) {
            // A member has no type of its own: its name and its value go on to the struct, side by side.
            if (frame.tag != Tag::Other || frame.children.size() != 2)
                return fail("a member of a struct is incomplete");
            for (Value& child : frame.children) frames_.back().children.push_back(std::move(child));
            return;
        }
        std::optional<Value> value = convert(frame);
        if (!value) return fail("a value cannot be read");
        if (!frames_.empty()) frames_.back().children.push_back(std::move(*value));
    }

    void fail(const char* why) {
        error = why;
        XML_StopParser(parser_, XML_FALSE);
    }

  private:
    // params, param and value around kMaxDepth levels of arrays (array, data, value each) or structs.
    static constexpr std::size_t kDepthLimit = kMaxDepth;

    static Value text_or_nil(std::string& text) {
        return text.empty() ? Value() : Value::string(std::move(text));
    }

    static std::optional<Value> convert(Frame& frame) {
        switch (frame.tag) {
            case Tag::Int: return to_int(frame.text);
            case Tag::Boolean: return Value::boolean(frame.text == "1");
            case Tag::String: return Value::string(std::move(frame.text));
            case Tag::Double: return to_double(frame.text);
            case Tag::Date: return to_date(frame.text);
            case Tag::Base64: {
                std::optional<std::string> bytes = base64_decode(frame.text);
                if (!bytes || !is_utf8(*bytes)) return std::nullopt;
                return Value::string(std::move(*bytes));
            }
            case Tag::Value:
                if (frame.children.empty()) return Value::string(std::move(frame.text));
                return std::move(frame.children.front());
            case Tag::Array:
            case Tag::Param:
                if (frame.children.empty()) return std::nullopt;
                return std::move(frame.children.front());
            case Tag::Data: return Value::array(std::move(frame.children));
            case Tag::Struct: return to_struct(frame);
            case Tag::Params:
            case Tag::Method:
            case Tag::Other: break;
        }
        return text_or_nil(frame.text);
    }

    static std::optional<Value> to_struct(Frame& frame) {
        Value out = Value::structure();
        for (std::size_t i = 0; i + 1 < frame.children.size(); i += 2) {
            const Value& name = frame.children[i];
            if (!name.is(Value::Kind::String) && !name.is(Value::Kind::Nil)) return std::nullopt;
            out.add(name.as_string(), std::move(frame.children[i + 1]));
        }
        return out;
    }

    XML_Parser parser_;
    XmlCall& call_;
    std::vector<Frame> frames_;
    std::size_t values_ = 0;
};

void XMLCALL start_element(void* machine, const XML_Char* name, const XML_Char**) {
    static_cast<Machine*>(machine)->on_start(name);
}
void XMLCALL end_element(void* machine, const XML_Char*) { static_cast<Machine*>(machine)->on_end(); }
void XMLCALL character_data(void* machine, const XML_Char* text, int size) {
    static_cast<Machine*>(machine)->on_text({text, static_cast<std::size_t>(size)});
}
void XMLCALL start_doctype(void* machine, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    static_cast<Machine*>(machine)->fail("a DOCTYPE is not allowed");
}

}  // namespace

bool XmlCallDecoder::decode(std::string_view body, XmlCall& call) {
    call = XmlCall();
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    body = strip(body);
    if (body.starts_with(kByteOrderMark)) body = strip(body.substr(kByteOrderMark.size()));
    error_ = "not UTF-8";
    if (!is_utf8(body)) return false;

    // Bodies are UTF-8 whatever they declare.
    const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate("UTF-8"),
                                                                         XML_ParserFree);
    error_ = "out of memory";
    if (!parser) return false;
    Machine machine(parser.get(), call);
    XML_SetHashSalt(parser.get(), salt_);
    XML_SetUserData(parser.get(), &machine);
    XML_SetElementHandler(parser.get(), start_element, end_element);
    XML_SetCharacterDataHandler(parser.get(), character_data);
    XML_SetStartDoctypeDeclHandler(parser.get(), start_doctype);
    const XML_Status status = XML_Parse(parser.get(), body.data(), static_cast<int>(body.size()), XML_TRUE);
    error_ = machine.error != nullptr ? machine.error : "not well-formed";
    if (status != XML_STATUS_OK || machine.error != nullptr) return false;
    error_ = "no method name";
    if (!machine.has_method) return false;
    error_ = "";
    return true;
}

}  // namespace reeve
