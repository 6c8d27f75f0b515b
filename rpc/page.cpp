// The web pages. See page.hpp.
#include "rpc/page.hpp"

#include <utility>

#include "rpc/text.hpp"

namespace reeve {
namespace {

void page_head(std::string& out, std::string_view title) {
    out += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>";
    out += html(title);
    out +=
        "</title>\n<link rel=\"stylesheet\" href=\"stylesheets/supervisor.css\">\n"
        "<link rel=\"icon\" type=\"image/png\" href=\"images/icon.png\">\n"
        "<script src=\"supervisor.js\" defer></script>\n</head>\n";
}

std::string text_member(const Value& info, std::string_view name) {
    const Value* member = info.member(name);
    return member == nullptr ? std::string() : member->as_string();
}

std::string_view status_class(std::string_view state) {
    if (state == "RUNNING") return "statusrunning";
    if (state == "FATAL" || state == "BACKOFF") return "statuserror";
    return "statusnominal";
}

void action_item(std::string& out, std::string_view text, const std::string& target,
                 bool new_window = false) {
    out += "<li><a ";
    if (text.empty()) {
        out += "class=\"hidden\" href=\"#\"></a></li>\n";
        return;
    }
    if (!new_window) out += "class=\"act\" ";
    out.append("href=\"").append(html(target)).append("\"");
    if (new_window) out += " target=\"_blank\"";
    out.append(">").append(text).append("</a></li>\n");
}

void process_row(std::string& out, const Value& info, bool shaded) {
    const std::string name = text_member(info, "name");
    const std::string group = text_member(info, "group");
    const std::string state = text_member(info, "statename");
    const std::string spec = name == group ? name : group + ":" + name;
    const std::string quoted = percent_encode(spec);
    const auto action = [&](const char* verb) {
        return "index.html?processname=" + quoted + "&action=" + verb;
    };

    out += shaded ? "<tr class=\"shade\">\n" : "<tr class=\"\">\n";
    std::string shown = state;
    for (char& c : shown) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    out.append("<td class=\"status\"><span class=\"").append(status_class(state)).append("\">");
    out.append(html(shown)).append("</span></td>\n");
    out.append("<td><span>").append(html(text_member(info, "description"))).append("</span></td>\n");
    out.append("<td><a href=\"")
        .append(html("tail.html?processname=" + quoted))
        .append("\" target=\"_blank\">");
    out.append(html(spec)).append("</a></td>\n");
    out += "<td class=\"action\">\n<ul>\n";
    if (state == "RUNNING") {
        action_item(out, "Restart", action("restart"));
        action_item(out, "Stop", action("stop"));
    } else {
        const bool stopped = state == "STOPPED" || state == "EXITED" || state == "FATAL";
        action_item(out, stopped ? "Start" : "", action("start"));
        action_item(out, "", "");
    }
    action_item(out, "Clear Log", action("clearlog"));
    action_item(out, "Tail -f Stdout", "logtail/" + quoted, true);
    action_item(out, "Tail -f Stderr", "logtail/" + quoted + "/stderr", true);
    out += "</ul>\n</td>\n</tr>\n";
}

void button(std::string& out, std::string_view text, std::string_view action) {
    out.append("<li class=\"action-button\"><a class=\"act\" href=\"index.html?action=")
        .append(action)
        .append("\">");
    out.append(text).append("</a></li>\n");
}

}  // namespace

std::string status_page(const StatusPage& page) {
    std::string out;
    out.reserve(2048 + page.processes.items().size() * 900);
    page_head(out, "Supervisor Status");
    out +=
        "<body>\n<div id=\"wrapper\">\n<div id=\"header\">\n"
        "<img alt=\"Supervisor status\" src=\"images/supervisor.gif\">\n</div>\n<div>\n";
    if (page.message.empty()) {
        out += "<div class=\"hidden\" id=\"statusmessage\">#</div>\n";
    } else {
        out.append("<div class=\"status_msg\" id=\"statusmessage\">")
            .append(html(page.message))
            .append("</div>\n");
    }
    // With scripts on, links of class "act" are sent through this form, which proves where they come from.
    out.append(
        "<form id=\"act\" action=\"index.html\" method=\"post\">\n<input type=\"hidden\" name=\"token\" "
        "value=\"");
    out.append(html(page.token)).append("\">\n<ul class=\"clr\" id=\"buttons\">\n");
    button(out, "Refresh", "refresh");
    button(out, "Restart All", "restartall");
    button(out, "Stop All", "stopall");
    out += "</ul>\n";
    if (page.processes.items().empty()) {
        out += "<p>No programs to manage</p>\n";
    } else {
        out +=
            "<table cellspacing=\"0\">\n<thead>\n<tr>\n<th class=\"state\">State</th>\n<th "
            "class=\"desc\">Description</th>\n"
            "<th class=\"name\">Name</th>\n<th class=\"action\">Action</th>\n</tr>\n</thead>\n<tbody>\n";
        bool shaded = false;
        for (const Value& info : page.processes.items())
            process_row(out, info, std::exchange(shaded, !shaded));
        out += "</tbody>\n</table>\n";
    }
    out +=
        "</form>\n</div>\n<div class=\"push\"></div>\n</div>\n<div class=\"clr\" id=\"footer\">\n<div "
        "class=\"left\">"
        "<a href=\"http://supervisord.org\">Supervisor</a> <span>";
    out.append(html(page.version)).append("</span></div>\n<div class=\"right\">&copy; 2006-<strong>");
    out.append(std::to_string(page.year))
        .append("</strong> <a href=\"https://agendaless.com/\">Agendaless Consulting</a> ");
    out += "and contributors</div>\n</div>\n</body>\n</html>\n";
    return out;
}

std::string tail_page(std::string_view title_name, std::string_view process, std::string_view limit,
                      std::string_view text) {
    std::string out;
    page_head(out, "Supervisor tail of process " + std::string(title_name));
    out += "<body>\n<pre>\n";
    out += html(text);
    out +=
        "</pre>\n<form action=\"tail.html\" method=\"get\">\n<input type=\"hidden\" name=\"processname\" "
        "value=\"";
    out.append(html(process))
        .append("\">\n<input type=\"hidden\" name=\"limit\" value=\"")
        .append(html(limit));
    out += "\">\n<button> Refresh </button>\n</form>\n</body>\n</html>\n";
    return out;
}

std::string confirm_page(std::string_view action, std::string_view process, std::string_view token) {
    std::string out;
    page_head(out, "Supervisor Confirmation");
    out +=
        "<body>\n<div id=\"wrapper\">\n<p>A link that did not come from the status page asks for this "
        "action:</p>\n<p><strong>";
    out.append(html(action)).append(" ").append(html(process)).append("</strong></p>\n");
    out += "<form action=\"index.html\" method=\"post\">\n<input type=\"hidden\" name=\"token\" value=\"";
    out.append(html(token))
        .append("\">\n<input type=\"hidden\" name=\"action\" value=\"")
        .append(html(action));
    out.append("\">\n<input type=\"hidden\" name=\"processname\" value=\"").append(html(process));
    out +=
        "\">\n<button>Do it</button> <a href=\"index.html\">Cancel</a>\n</form>\n</div>\n</body>\n</html>\n";
    return out;
}

namespace {
void never_cached(Answer& answer) {
    answer.header("Pragma", "no-cache").header("Cache-Control", "no-cache");
    answer.header("Expires", "Thu, 01 Jan 1970 00:00:00 GMT");
}
}  // namespace

Answer page_answer(std::string body) {
    Answer answer;
    answer.header("Content-Type", "text/html;charset=utf-8");
    never_cached(answer);
    answer.header("Content-Security-Policy",
                  "default-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    answer.header("X-Frame-Options", "DENY").header("X-Content-Type-Options", "nosniff");
    answer.header("Referrer-Policy", "same-origin");
    answer.header("Content-Length", std::to_string(body.size()));
    answer.body = std::move(body);
    return answer;
}

Answer redirect_answer(std::string_view base, std::string_view message) {
    Answer answer;
    answer.status = 301;
    answer.header("Location", std::string(base) + "/?message=" + percent_encode(message));
    answer.header("Content-Type", "text/html");
    never_cached(answer);
    return answer.header("Content-Length", "0");
}

}  // namespace reeve
