// The web pages as text: what the status page, the tail page and the question before an action look like.
//
// Nothing here knows of requests. All text that comes from outside is cleaned and escaped. Class names, link
// forms and cell texts are those that people's scrapers know.
#pragma once

#include <string>
#include <string_view>

#include "common/rpcproto/value.hpp"
#include "rpc/answer.hpp"

namespace reeve {

struct StatusPage {
    const Value& processes;    // array of the structs of getAllProcessInfo
    std::string_view message;  // of the last action, or ""
    std::string_view version;
    std::string_view token;
    int year = 2026;
};
std::string status_page(const StatusPage& page);

// title_name: as the title shows the process; text: the log's end, or why there is none.
std::string tail_page(std::string_view title_name, std::string_view process, std::string_view limit,
                      std::string_view text);

// Asks whether an action that came from elsewhere is meant. process is "" for the actions on all.
std::string confirm_page(std::string_view action, std::string_view process, std::string_view token);

// A page's answer: HTML, never cached, never framed.
Answer page_answer(std::string body);
// 301 to the status page with a message. base: "http://host" or "".
Answer redirect_answer(std::string_view base, std::string_view message);

}  // namespace reeve
