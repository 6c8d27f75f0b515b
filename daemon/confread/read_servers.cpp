// [inet_http_server...], [unix_http_server...] and [rpcinterface:x].
#include "common/conf/paths.hpp"
#include "common/conf/unicode.hpp"
#include "daemon/confread/context.hpp"
#include "daemon/confread/section_reader.hpp"

namespace reeve {
namespace {

constexpr std::string_view kFactory = "supervisor.rpcinterface_factory";
constexpr std::size_t kMaxHosts = 3500;  // bytes of allowed_hosts=, which travels in one message

// Rows of the table for one of the two kinds of server, which share most of their keys.
const Option& row(bool is_unix, std::string_view key) {
    return *find_option(is_unix ? "unix_http_server" : "inet_http_server", key);
}

std::uint32_t read_limit(const SectionReader& reader, const Option& option, std::int64_t least,
                         std::int64_t most) {
    bool is_size = option.type == Type::ByteSize;
    std::int64_t value = *reader.converted(option, is_size ? parse_byte_size : parse_integer);
    if (value < least || value > most) {
        reader.fail(std::to_string(value) + " is not between " + std::to_string(least) + " and " +
                        std::to_string(most),
                    option.key);
    }
    return static_cast<std::uint32_t>(value);
}

void read_unix(ServerSetting& server, SectionReader& reader, const Context& context) {
    reader.use(context.here);
    std::optional<std::string> file = reader.text<Type::Path>("unix_http_server.file");
    reader.use(context.environment);
    if (!file) reader.fail("section [" + reader.name() + "] has no file value");
    server.path = absolute_path(expand_user(trim(*file)));
    std::string mode = reader.required<Type::Octal>("unix_http_server.chmod");
    try {
        server.mode = static_cast<std::uint32_t>(parse_octal(mode)) & 07777;
    } catch (const ConfigError&) {
        reader.fail("Invalid chmod value " + mode, "chmod", SectionReader::expected(Type::Octal));
    }
    if (std::optional<std::string> text = reader.text<Type::Owner>("unix_http_server.chown")) {
        try {
            Owner owner = parse_owner(*text);
            server.uid = owner.uid;
            server.gid = owner.gid.value_or(kAbsent);
        } catch (const ConfigError& error) {
            reader.fail("Invalid sockchown value " + *text, "chown", std::string(": ") + error.what());
        }
    }
}

void read_inet(ServerSetting& server, const SectionReader& reader) {
    std::optional<InetAddress> address =
        reader.converted<Type::Address>("inet_http_server.port", parse_inet_address);
    if (!address) reader.fail("section [" + reader.name() + "] has no port value");
    server.inet = *address;
}

void read_server(Context& context, const Section& section, bool is_unix) {
    ServerSetting server;
    server.section = section.name();
    SectionReader reader(section, context.environment);
    reader.collect(context.collector());
    if (is_unix) {
        read_unix(server, reader, context);
    } else {
        read_inet(server, reader);
    }
    std::optional<std::string> username = reader.text(row(is_unix, "username"));
    std::optional<std::string> password = reader.text(row(is_unix, "password"));
    if (username.has_value() != password.has_value()) {
        reader.fail(
            "Section [" + section.name() +
            "] contains incomplete authentication: If a username or a password is specified, both the "
            "username and password must be specified");
    }
    server.username = username.value_or("");
    server.password = password.value_or("");
    server.allowed_hosts = reader.text(row(is_unix, "allowed_hosts")).value_or("");
    if (server.allowed_hosts.size() > kMaxHosts)
        reader.fail("the list of hosts is too long", "allowed_hosts");
    auto limit = [&](std::string_view key, std::int64_t least, std::int64_t most) {
        return read_limit(reader, row(is_unix, key), least, most);
    };
    server.limits.header_line = limit("max_header_line", 256, 1024 * 1024);
    server.limits.headers = limit("max_headers", 256, 1024 * 1024);
    server.limits.body = limit("max_body", 1024, 64 * 1024 * 1024);
    server.limits.request_seconds = limit("request_timeout", 1, 86400);
    server.limits.connections = limit("max_connections", 1, 65536);
    context.out.servers.push_back(std::move(server));
}

}  // namespace

void read_rpc_interfaces(Context& context) {
    constexpr std::string_view kPrefix = "rpcinterface:";
    const std::string key(kFactory);
    for (const Section& section : context.file.sections()) {
        if (!section.name().starts_with(kPrefix)) continue;
        context.attempt([&] {
            SectionReader reader(section, context.environment);
            std::optional<std::string> factory = reader.text(*find_option("rpcinterface", key));
            if (!factory) reader.fail("section [" + section.name() + "] does not specify a " + key);
            std::string name(trim(*factory));
            if (name != kDefaultFactory) return refuse_plugin(context, section, key, name);
            context.out.namespaces.push_back(section.name().substr(kPrefix.size()));
        });
    }
}

void read_servers(Context& context) {
    for (bool is_unix : {false, true}) {
        for (const Section& section : context.file.sections()) {
            if (section.name().starts_with(is_unix ? "unix_http_server" : "inet_http_server"))
                context.attempt([&] { read_server(context, section, is_unix); });
        }
    }
    if (context.out.servers.empty()) return;
    // The one factory that there is takes no arguments.
    for (const std::string& name : context.out.namespaces) {
        SectionReader reader(context.file.section("rpcinterface:" + name), context.environment);
        for (const Section::Item& item : reader.section().items()) {
            if (item.inherited || *item.key == kFactory) continue;
            context.attempt([&] {
                reader.fail("Could not make " + name + " rpc interface: it has no key '" + *item.key + "'",
                            *item.key);
            });
        }
    }
}

}  // namespace reeve
