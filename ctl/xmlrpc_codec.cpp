// XML-RPC over expat. See xmlrpc_codec.hpp.
#include "ctl/xmlrpc_codec.hpp"

#include <expat.h>

#include <charconv>
#include <cstdlib>
#include <limits>
#include <memory>

#include "common/text/py_repr.hpp"
#include "ctl/errors.hpp"

namespace reeve::ctl {
namespace {

void append_escaped(std::string& out, std::string_view text) {
    if (!is_utf8(text)) throw Error("text that is not UTF-8 cannot be sent");
    for (char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '\r': out += "&#13;"; break;  // a bare one would arrive as LF
            default:
                if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n')
                    throw Error("control characters cannot be sent");
                out += c;
        }
    }
}

void append_value(std::string& out, const Value& value) {
    switch (value.kind()) {
        case Value::Kind::Boolean:
            out += value.as_boolean() ? "<boolean>1</boolean>" : "<boolean>0</boolean>";
            break;
        case Value::Kind::Int: {
            using Limits = std::numeric_limits<std::int32_t>;
            if (value.as_int() < Limits::min() || value.as_int() > Limits::max())
                throw Error("a number exceeds the limits of XML-RPC");
            out += "<int>" + std::to_string(value.as_int()) + "</int>";
            break;
        }
        case Value::Kind::String:
            out += "<string>";
            append_escaped(out, value.as_string());
            out += "</string>";
            break;
        default: throw Error("a parameter of this type cannot be sent");
    }
}

// Builds the value while expat walks through the document.
class Reader {
  public:
    Reader() : parser_(XML_ParserCreate("UTF-8")) {
        XML_SetUserData(parser_.get(), this);
        XML_SetElementHandler(
            parser_.get(), [](void* self, const char* name, const char**) { of(self).on_start(name); },
            [](void* self, const char* name) { of(self).on_end(name); });
        XML_SetCharacterDataHandler(parser_.get(), [](void* self, const char* text, int size) {
            of(self).text_.append(text, static_cast<std::size_t>(size));
        });
        XML_SetStartDoctypeDeclHandler(parser_.get(), [](void* self, const char*, const char*, const char*,
                                                         int) { of(self).fail("it has a document type"); });
    }

    Value read(std::string_view xml) {
        if (xml.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
            fail("it is too large");
        else if (XML_Parse(parser_.get(), xml.data(), static_cast<int>(xml.size()), 1) == XML_STATUS_ERROR &&
                 problem_.empty())
            fail(XML_ErrorString(XML_GetErrorCode(parser_.get())));
        if (problem_.empty() && !finished_) fail("it has no value");
        if (!problem_.empty()) throw Error("the answer is no XML-RPC: " + problem_);
        if (is_fault_) throw_fault();
        return std::move(result_);
    }

  private:
    static constexpr std::size_t kMaxOpenValues = 100;

    struct Free {
        void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
    };
    // A <value> that is still open.
    struct Open {
        Value value;
        bool typed = false;       // it has a type element; else it is a string
        std::string member_name;  // if it is a struct: of the member that comes next
    };

    static Reader& of(void* self) { return *static_cast<Reader*>(self); }

    // Called by expat's C code, which no exception may pass.
    void fail(const char* why) {
        if (problem_.empty()) problem_ = why;
        XML_StopParser(parser_.get(), XML_FALSE);
    }

    void on_start(std::string_view name) {
        text_.clear();
        if (name == "value") {
            if (open_.size() == kMaxOpenValues) return fail("it is nested too deeply");
            open_.emplace_back();
        } else if (name == "fault") {
            is_fault_ = true;
        } else if (name == "struct" || name == "array") {
            if (open_.empty()) return fail("a type stands outside of a value");
            open_.back().value = name == "struct" ? Value::structure() : Value::array();
            open_.back().typed = true;
        }
    }

    void on_end(std::string_view name) {
        if (!problem_.empty()) return;  // expat may still report the end of an empty element
        if (name == "value") return close_value();
        if (open_.empty()) return;
        Open& open = open_.back();
        if (name == "name") {
            open.member_name = text_;
            return;
        }
        if (name == "data" || name == "member" || name == "struct" || name == "array") return;
        open.value = scalar(name);
        open.typed = true;
    }

    void close_value() {
        Open closed = std::move(open_.back());
        open_.pop_back();
        if (!closed.typed) closed.value = Value::string(text_);
        text_.clear();
        if (open_.empty()) {
            result_ = std::move(closed.value);
            finished_ = true;
        } else if (open_.back().value.is(Value::Kind::Array)) {
            open_.back().value.items().push_back(std::move(closed.value));
        } else if (open_.back().value.is(Value::Kind::Struct)) {
            open_.back().value.add(std::move(open_.back().member_name), std::move(closed.value));
        } else {
            fail("a value stands in a value that has no parts");
        }
    }

    Value scalar(std::string_view type) {
        if (type == "string") return Value::string(std::move(text_));
        if (type == "nil") return {};
        if (type == "int" || type == "i4" || type == "i8" || type == "boolean") {
            std::int64_t number = 0;
            const char* end = text_.data() + text_.size();
            auto [stop, error] = std::from_chars(text_.data(), end, number);
            if (error != std::errc() || stop != end) fail("a number is none");
            return type == "boolean" ? Value::boolean(number != 0) : Value::integer(number);
        }
        if (type == "double") return Value::real(std::strtod(text_.c_str(), nullptr));
        fail("a type is unknown");
        return {};
    }

    [[noreturn]] void throw_fault() const {
        const Value* code = result_.member("faultCode");
        const Value* text = result_.member("faultString");
        if (code == nullptr || text == nullptr)
            throw Error("the answer is no XML-RPC: the fault has no code");
        throw RpcFault(static_cast<int>(code->as_int()), text->as_string());
    }

    std::unique_ptr<XML_ParserStruct, Free> parser_;
    std::vector<Open> open_;
    std::string text_;
    std::string problem_;
    Value result_;
    bool finished_ = false;
    bool is_fault_ = false;
};

}  // namespace

std::string encode_call(std::string_view method, const std::vector<Value>& parameters) {
    std::string out = "<?xml version='1.0'?>\n<methodCall>\n<methodName>";
    append_escaped(out, method);
    out += "</methodName>\n<params>\n";
    for (const Value& parameter : parameters) {
        out += "<param>\n<value>";
        append_value(out, parameter);
        out += "</value>\n</param>\n";
    }
    return out += "</params>\n</methodCall>\n";
}

Value decode_response(std::string_view xml) { return Reader().read(xml); }

}  // namespace reeve::ctl
