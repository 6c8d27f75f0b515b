// One program-like section. See read_program.hpp.
//
// Keys are read in the order in which their errors are to be found. Some are read once for the section, the
// rest once for each process, because they may contain %(process_num)d.
#include "daemon/confread/read_program.hpp"

#include <algorithm>

#include "common/conf/unicode.hpp"
#include "common/text/py_repr.hpp"
#include "common/text/shell_split.hpp"
#include "daemon/confread/log_target.hpp"
#include "daemon/confread/section_reader.hpp"

namespace reeve {
namespace {

constexpr std::int64_t kMaxProcesses = 65536;

// What differs between the keys of stdout and stderr.
struct Channel {
    const char* name;
    Key<Type::LogFile> logfile;
    Key<Type::Integer> backups;
    Key<Type::ByteSize> maxbytes;
    Key<Type::Boolean> syslog;
};
constexpr Channel kStdout = {"stdout", "program.stdout_logfile", "program.stdout_logfile_backups",
                             "program.stdout_logfile_maxbytes", "program.stdout_syslog"};
constexpr Channel kStderr = {"stderr", "program.stderr_logfile", "program.stderr_logfile_backups",
                             "program.stderr_logfile_maxbytes", "program.stderr_syslog"};

struct SectionValues {
    std::int64_t numprocs = 0;
    std::int64_t numprocs_start = 0;
    std::uint32_t out_capture = 0, err_capture = 0;
    bool out_events = false, err_events = false;
    std::string process_name;  // not expanded
};

class ProgramReader {
  public:
    ProgramReader(Context& context, const Section& section, ProgramKind kind, const std::string& group,
                  std::uint32_t fcgi)
        : context_(context),
          section_names_(&context.host),
          reader_(
              section, section_names_,
              " in section " + py_repr(section.name()) + " (file: " + py_repr(section.place().file) + ")"),
          program_(std::make_shared<ProgramSetting>()) {
        program_->kind = kind;
        program_->section = section.name();
        program_->fcgi = fcgi;
        reader_.collect(context.collector());
        section_names_.set("group_name", group);
    }

    std::vector<ProcessSetting> read() {
        read_section();
        std::vector<ProcessSetting> processes;
        for (std::int64_t i = 0; i < values_.numprocs; ++i)
            processes.push_back(read_process(values_.numprocs_start + i));
        std::stable_sort(processes.begin(), processes.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; });
        return processes;
    }

  private:
    void read_section() {
        ProgramSetting& p = *program_;
        std::string name = reader_.guarded("", [&] {
            return parse_name(std::string_view(reader_.name()).substr(reader_.name().find(':') + 1));
        });
        section_names_.set("program_name", name);
        p.priority = reader_.small_integer("program.priority");
        p.autostart = reader_.boolean("program.autostart");
        p.autorestart = read_autorestart();
        p.startsecs = reader_.integer("program.startsecs");
        p.startretries = reader_.integer("program.startretries");
        p.stopsignal = *reader_.converted<Type::Signal>("program.stopsignal", parse_signal_value);
        p.stopwaitsecs = reader_.integer("program.stopwaitsecs");
        p.stopasgroup = reader_.boolean("program.stopasgroup");
        p.killasgroup =
            reader_.converted<Type::Boolean>("program.killasgroup", parse_boolean).value_or(p.stopasgroup);
        p.exitcodes = *reader_.converted<Type::ExitCodes>("program.exitcodes", parse_exit_codes);
        p.redirect_stderr = reader_.boolean("program.redirect_stderr");
        values_.numprocs = reader_.integer("program.numprocs");
        values_.numprocs_start = reader_.integer("program.numprocs_start");
        values_.out_capture = reader_.small_size("program.stdout_capture_maxbytes");
        values_.out_events = reader_.boolean("program.stdout_events_enabled");
        values_.err_capture = reader_.small_size("program.stderr_capture_maxbytes");
        values_.err_events = reader_.boolean("program.stderr_events_enabled");
        read_serverurl();
        p.uid = reader_.converted<Type::User>("program.user",
                                              [this](std::string_view text) { return context_.user(text); });
        if (auto umask = reader_.converted<Type::Octal>("program.umask", parse_octal))
            p.umask = static_cast<std::uint32_t>(*umask) & 07777;
        check_process_name();
        if (p.stopasgroup && !p.killasgroup)
            reader_.fail("Cannot set stopasgroup=true and killasgroup=false", "killasgroup");
    }

    Autorestart read_autorestart() {
        switch (*reader_.converted<Type::Autorestart>("program.autorestart", parse_autorestart)) {
            case AutorestartValue::No: return Autorestart::No;
            case AutorestartValue::Yes: return Autorestart::Yes;
            case AutorestartValue::Unexpected: break;
        }
        return Autorestart::Unexpected;
    }

    void read_serverurl() {
        std::string url = reader_.required<Type::Text>("program.serverurl");
        std::string_view trimmed = trim(url);
        if (to_upper(trimmed) != "AUTO") program_->serverurl = url;
    }

    // The name is checked before it is expanded, so an expansion may bring in any character.
    void check_process_name() {
        const std::string* given = reader_.section().find("process_name");
        values_.process_name = given != nullptr ? *given : find_option("program", "process_name")->fallback;
        values_.process_name =
            reader_.guarded("process_name", [&] { return parse_name(values_.process_name); });
        if (values_.numprocs > 1 && values_.process_name.find("%(process_num)") == std::string::npos) {
            reader_.fail("%(process_num) must be present within process_name when numprocs > 1",
                         given != nullptr ? "process_name" : "numprocs",
                         "; for example process_name=%(program_name)s_%(process_num)02d");
        }
        if (values_.numprocs > kMaxProcesses)
            reader_.fail("numprocs is limited to " + std::to_string(kMaxProcesses), "numprocs");
    }

    ProcessSetting read_process(std::int64_t number) {
        Names with_number(&section_names_);
        with_number.set_number("process_num", number);
        with_number.set_number("numprocs", values_.numprocs);
        reader_.use(with_number);
        Environment own =
            *reader_.converted<Type::Variables>("program.environment", parse_environment, "environment");
        Names names(&with_number);
        names.set_environment(own);
        reader_.use(names);

        ProcessSetting process;
        process.program = program_;
        process.environment = context_.out.daemon_environment;
        for (const auto& [key, value] : own) set_variable(process.environment, key, value);
        process.directory = reader_.text<Type::Text>("program.directory");
        read_log(kStdout, process.out);
        read_log(kStderr, process.err);
        process.out.capture = values_.out_capture;
        process.out.events = values_.out_events;
        process.err.capture = values_.err_capture;
        process.err.events = values_.err_events;
        read_command(process);
        process.name = reader_.guarded("process_name",
                                       [&] { return expand(values_.process_name, names, "process_name"); });
        if (process.out.kind == LogKind::Auto)
            process.out.path = auto_log_path(context_.out.daemon, process.name, "stdout");
        if (process.err.kind == LogKind::Auto)
            process.err.path = auto_log_path(context_.out.daemon, process.name, "stderr");
        reader_.use(section_names_);
        return process;
    }

    // The name of the file is expanded twice, which existing files count on (%%%% for a percent sign).
    void read_log(const Channel& channel, LogSetting& log) {
        std::string text = reader_.required(channel.logfile);
        std::string key(channel.logfile.row->key);
        LogfileValue value =
            reader_.guarded(key, [&] { return parse_logfile_name(expand(text, reader_.names(), key)); });
        log.backups = reader_.small_integer(channel.backups);
        log.maxbytes = reader_.byte_size(channel.maxbytes);
        log.syslog = reader_.boolean(channel.syslog);
        const std::string section = "For [" + reader_.name() + "], ";
        switch (value.kind) {
            case LogfileKind::None: break;
            case LogfileKind::Path: set_log_target(log, value.path); break;
            case LogfileKind::Auto:
                log.kind = LogKind::Auto;
                if (log.maxbytes == 0) {
                    context_.warn(section + "AUTO logging used for " + key +
                                  " without rollover, set maxbytes > 0 to avoid filling up filesystem "
                                  "unintentionally");
                }
                break;
            case LogfileKind::Syslog:
                log.syslog = true;
                context_.warn(section + key + "=syslog but this is deprecated and will be removed.  Use " +
                              channel.name + "_syslog=true to enable syslog instead.");
                break;
        }
        if (&channel == &kStderr && program_->redirect_stderr) {
            if (log.kind != LogKind::None && log.kind != LogKind::Auto) {
                context_.warn(section + "redirect_stderr=true but " + key +
                              " has also been set to a filename, the filename has been ignored");
            }
            log.kind = LogKind::None;
            log.path.clear();
        }
    }

    void read_command(ProcessSetting& process) {
        std::optional<std::string> command = reader_.text<Type::Text>("program.command");
        if (!command) reader_.fail("program section " + reader_.name() + " does not specify a command");
        process.command = *command;
        switch (shell_split(process.command, process.words)) {
            case SplitResult::Ok:
                if (process.words.empty()) process.command_status = CommandStatus::Empty;
                break;
            case SplitResult::NoClosingQuotation:
                process.command_status = CommandStatus::NoClosingQuotation;
                break;
            case SplitResult::NoEscapedCharacter:
                process.command_status = CommandStatus::NoEscapedCharacter;
                break;
        }
        if (process.command_status == CommandStatus::Ok) return;
        process.words.clear();
        // No error: it fails when the program is to be started. But here it is known why.
        if (reader_.section().cut_by_comment("command")) {
            context_.warn("For [" + reader_.name() +
                          "], command ends within quotes because what follows ' ;' or"
                          " ' #' is a comment, even within quotes" +
                          shown_place(reader_.section(), "command"));
        }
    }

    Context& context_;
    Names section_names_;
    SectionReader reader_;
    std::shared_ptr<ProgramSetting> program_;
    SectionValues values_;
};

}  // namespace

std::vector<ProcessSetting> read_processes(Context& context, const Section& section, ProgramKind kind,
                                           const std::string& group, std::uint32_t fcgi) {
    return ProgramReader(context, section, kind, group, fcgi).read();
}

}  // namespace reeve
