// The connection to supervisord. See client.hpp.
#include "ctl/client.hpp"

#include <curl/curl.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "ctl/errors.hpp"
#include "ctl/xmlrpc_codec.hpp"
#include "reeve_config.hpp"

namespace reeve::ctl {
namespace {

constexpr std::string_view kUnixScheme = "unix://";
constexpr std::string_view kHttpScheme = "http://";
constexpr std::string_view kRpcPath = "/RPC2";

std::string errno_text(int error) { return "[Errno " + std::to_string(error) + "] " + std::strerror(error); }

}  // namespace

Target parse_server_url(const std::string& url) {
    if (url.starts_with(kUnixScheme)) {
        std::string path = url.substr(kUnixScheme.size());
        if (path.empty()) throw ConnectError(0, "the server URL names no socket");  // curl would use TCP
        if (path.size() >= sizeof(sockaddr_un::sun_path)) throw ConnectError(0, "AF_UNIX path too long");
        return {"http://localhost", path};
    }
    if (!url.starts_with(kHttpScheme)) throw ConnectError(0, "Unknown protocol for serverurl");
    std::string host = url.substr(kHttpScheme.size());
    host = host.substr(0, host.find_first_of("/?#"));
    host = host.substr(host.rfind('@') + 1);  // a user in the URL has never counted
    if (host.empty() || host[0] == ':') host = "localhost" + host;
    return {"http://" + host, ""};
}

// One request and its answer as far as it has come.
struct Client::Transfer {
    Transfer() : easy(curl_easy_init()) {
        if (easy == nullptr) throw Error("out of memory");
    }
    ~Transfer() {
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
    }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    template <class T>
    void set(CURLoption option, T value) {
        curl_easy_setopt(easy, option, value);
    }
    long http_status() const {
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        return status;
    }
    // Throws what has kept the request from being answered, if anything has.
    void check() const;

    static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
        static_cast<Transfer*>(self)->body.append(bytes, size * count);
        return size * count;
    }
    static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self) {
        std::string_view line(bytes, size * count);
        if (line.starts_with("HTTP/")) {
            std::size_t blank = line.find(' ');
            std::size_t end = line.find_last_not_of("\r\n ");
            auto& status_line = static_cast<Transfer*>(self)->status_line;
            status_line = blank < end ? line.substr(blank + 1, end - blank) : "";
        }
        return size * count;
    }

    CURL* easy;
    curl_slist* headers = nullptr;
    std::string body;
    std::string status_line;  // "404 Not Found"
    bool running = false;     // it belongs to the multi handle
    CURLcode result = CURLE_OK;
};

void Client::Transfer::check() const {
    switch (result) {
        case CURLE_OK: return;
        case CURLE_COULDNT_CONNECT: {
            long error = 0;
            curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
            int number = error != 0 ? static_cast<int>(error) : ECONNREFUSED;
            throw ConnectError(number, errno_text(number));
        }
        case CURLE_COULDNT_RESOLVE_HOST: throw ConnectError(0, "[Errno -2] Name or service not known");
        case CURLE_GOT_NOTHING:
        case CURLE_RECV_ERROR:
        case CURLE_PARTIAL_FILE: throw ConnectError(0, "Remote end closed connection without response");
        case CURLE_URL_MALFORMAT: throw ConnectError(0, "the server URL is malformed");
        default: throw ConnectError(0, curl_easy_strerror(result));
    }
}

// A stream is a transfer whose body is handed out while it comes.
class Client::Stream : public LogStream {
  public:
    Stream(Client& client, std::unique_ptr<Transfer> transfer)
        : client_(client), transfer_(std::move(transfer)) {
        client_.start(*transfer_);
    }
    ~Stream() override { client_.stop(*transfer_); }

    std::string take() override {
        std::string bytes;
        bytes.swap(transfer_->body);
        return transfer_->http_status() == 200 ? bytes : "";
    }
    bool ended() const override { return !transfer_->running; }
    std::string problem() const override {
        long status = transfer_->http_status();
        if (status != 0 && status != 200) return "Cannot read, status code " + std::to_string(status);
        if (status == 200 || transfer_->running) return "";
        try {
            transfer_->check();
        } catch (const ConnectError& error) {
            return std::string("Cannot connect, error: ") + error.what();
        }
        return "";
    }

  private:
    Client& client_;
    std::unique_ptr<Transfer> transfer_;
};

Client::Client(Interrupt& interrupt) : interrupt_(interrupt) {
    curl_global_init(CURL_GLOBAL_NOTHING);
    multi_ = curl_multi_init();
    if (multi_ == nullptr) throw Error("out of memory");
}

Client::~Client() {
    if (rpc_) stop(*rpc_);
    rpc_.reset();
    curl_multi_cleanup(static_cast<CURLM*>(multi_));
}

void Client::use(const std::string& url, const std::optional<std::string>& username,
                 const std::optional<std::string>& password) {
    if (rpc_) stop(*rpc_);
    rpc_.reset();
    fresh_ = true;
    url_ = url;
    username_ = username;
    password_ = password;
}

std::unique_ptr<Client::Transfer> Client::make_transfer(const std::string& path) {
    Target target = parse_server_url(url_);
    auto transfer = std::make_unique<Transfer>();
    transfer->set(CURLOPT_URL, (target.base + path).c_str());
    if (!target.socket_path.empty()) transfer->set(CURLOPT_UNIX_SOCKET_PATH, target.socket_path.c_str());
    if (username_ && password_) {
        transfer->set(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        transfer->set(CURLOPT_USERNAME, username_->c_str());
        transfer->set(CURLOPT_PASSWORD, password_->c_str());
    }
    transfer->set(CURLOPT_USERAGENT, "supervisorctl/" REEVE_VERSION);
    transfer->set(CURLOPT_PROXY, "");  // whatever the environment says: supervisord is near
    transfer->set(CURLOPT_PROTOCOLS_STR, "http");
    transfer->set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    transfer->set(CURLOPT_NOSIGNAL, 1L);
    transfer->set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    transfer->set(CURLOPT_WRITEDATA, transfer.get());
    transfer->set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    transfer->set(CURLOPT_HEADERDATA, transfer.get());
    transfer->set(CURLOPT_PRIVATE, transfer.get());
    return transfer;
}

void Client::start(Transfer& transfer) {
    transfer.body.clear();
    transfer.status_line.clear();
    transfer.running = true;
    curl_multi_add_handle(static_cast<CURLM*>(multi_), transfer.easy);
}

void Client::stop(Transfer& transfer) {
    if (transfer.running) curl_multi_remove_handle(static_cast<CURLM*>(multi_), transfer.easy);
    transfer.running = false;
}

void Client::collect_results() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(static_cast<CURLM*>(multi_), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode result = message->data.result;
        char* pointer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
        auto* transfer = static_cast<Transfer*>(static_cast<void*>(pointer));
        stop(*transfer);
        transfer->result = result;
    }
}

// Lets all transfers go on: first what is possible now, then it waits. Returns whether input can be read.
bool Client::step(int input) {
    auto* multi = static_cast<CURLM*>(multi_);
    curl_waitfd extra[2] = {{interrupt_.fd(), CURL_WAIT_POLLIN, 0}, {input, CURL_WAIT_POLLIN, 0}};
    constexpr int kLongTime = 3600 * 1000;
    curl_multi_poll(multi, extra, input < 0 ? 1 : 2, kLongTime, nullptr);
    if (extra[0].revents != 0) interrupt_.check();
    int running = 0;
    curl_multi_perform(multi, &running);
    collect_results();
    return input >= 0 && extra[1].revents != 0;
}

void Client::run_until_done(Transfer& transfer) {
    int running = 0;
    curl_multi_perform(static_cast<CURLM*>(multi_), &running);
    collect_results();
    try {
        while (transfer.running) step(-1);
    } catch (...) {
        stop(transfer);
        throw;
    }
}

bool Client::wait(int input) {
    interrupt_.check();
    return step(input);
}

Value Client::call(std::string_view method, const std::vector<Value>& parameters) {
    std::string body = encode_call("supervisor." + std::string(method), parameters);
    if (!rpc_) {
        rpc_ = make_transfer(std::string(kRpcPath));
        // "Expect:" keeps curl from asking before it sends a long body, which old servers never answer.
        for (const char* header : {"Content-Type: text/xml", "Accept: text/xml", "Expect:"})
            rpc_->headers = curl_slist_append(rpc_->headers, header);
        rpc_->set(CURLOPT_HTTPHEADER, rpc_->headers);
    }
    rpc_->set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    rpc_->set(CURLOPT_POSTFIELDS, body.data());
    rpc_->set(CURLOPT_FRESH_CONNECT, fresh_ ? 1L : 0L);
    start(*rpc_);
    run_until_done(*rpc_);
    rpc_->check();
    fresh_ = false;
    if (rpc_->http_status() != 200) throw HttpError(static_cast<int>(rpc_->http_status()), rpc_->status_line);
    return decode_response(rpc_->body);
}

std::unique_ptr<LogStream> Client::open_stream(const std::string& path) {
    return std::make_unique<Stream>(*this, make_transfer(path));
}

}  // namespace reeve::ctl
