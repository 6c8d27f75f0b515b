// Reads the keys of one section. See section_reader.hpp.
#include "daemon/confread/section_reader.hpp"

#include <limits>

namespace reeve {

std::string shown_place(const Section& section, std::string_view key) {
    if (!section) return "";
    std::string place = describe(key.empty() ? section.place() : section.place(std::string(key)));
    if (place.empty()) return "";
    std::string shown = " (" + place + ", [" + section.name() + "]";
    if (!key.empty()) shown += " " + std::string(key);
    return shown + ")";
}

std::optional<std::string> SectionReader::text(const Option& option, const char* where) const {
    std::string key(option.key);
    const std::string* given = section_.find(key);
    if (given == nullptr && option.fallback == nullptr) return std::nullopt;
    std::string_view raw = given != nullptr ? std::string_view(*given) : std::string_view(option.fallback);
    if (raw.find('%') == std::string_view::npos) return std::string(raw);
    return guarded(option.key,
                   [&] { return expand(raw, *names_, where != nullptr ? where : name() + "." + key); });
}

const char* SectionReader::expected(Type type) {
    switch (type) {
        case Type::Integer: return "; expected a whole number";
        case Type::Boolean: return "; expected true or false";
        case Type::ByteSize: return "; expected a size such as 50MB";
        case Type::Octal: return "; expected an octal number such as 022";
        case Type::LogLevel: return "; expected critical, error, warn, info, debug, trace or blather";
        case Type::Signal: return "; expected the name or number of a signal";
        case Type::ExitCodes: return "; expected numbers from 0 to 255 with commas between them";
        case Type::Autorestart: return "; expected true, false or unexpected";
        case Type::User: return "; expected a user of this system";
        case Type::Owner: return "; expected user or user:group";
        case Type::Address: return "; expected a port from 1 to 65535, or host:port";
        case Type::Variables: return "; expected KEY=\"value\",KEY2=\"value\"";
        case Type::Text:
        case Type::Path:
        case Type::Directory:
        case Type::DirPath:
        case Type::LogFile:
        case Type::List:
        case Type::FcgiSocket:
        case Type::Choice:
        case Type::Factory: break;
    }
    return "";
}

// A section may be read more than once, and a key once for each process.
void SectionReader::note(const ConfigError& error, std::string_view key) const {
    std::string place = shown_place(section_, key);
    for (const std::string& known : *errors_) {
        if (!place.empty() && known.find(place) != std::string::npos) return;
    }
    errors_->emplace_back(error.what());
}

ConfigError SectionReader::located(const ConfigError& error, std::string_view key,
                                   const char* expected) const {
    std::string hint = expected + error.hint();
    std::string text = error.text();
    if (!key.empty() && section_.cut_by_comment(std::string(key)) &&
        (text == "No closing quotation" || text == "No escaped character")) {
        hint += "; what follows ' ;' or ' #' is a comment, even within quotes";
    }
    return ConfigError(text + suffix_ + shown_place(section_, key), hint);
}

void SectionReader::fail(const std::string& text, std::string_view key, std::string hint) const {
    throw located(ConfigError(text, std::move(hint)), key);
}

std::int32_t SectionReader::small_integer(Key<Type::Integer> key) const {
    std::int64_t value = integer(key);
    if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
        fail(std::to_string(value) + " is too large a number", key.row->key);
    return static_cast<std::int32_t>(value);
}

std::uint32_t SectionReader::small_size(Key<Type::ByteSize> key) const {
    std::int64_t value = byte_size(key);
    if (value > std::numeric_limits<std::int32_t>::max())
        fail(std::to_string(value) + " is too large a number", key.row->key);
    return value < 0 ? 0 : static_cast<std::uint32_t>(value);
}

}  // namespace reeve
