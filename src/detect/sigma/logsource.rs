//! Log sources by name: which gate the records of a product, category or service pass.

use super::rule::LogSource;
use super::source::{Gate, Log, System, letters};

/// Events of a category, by log.
type Events = &'static [(Log, &'static [&'static str])];

/// Categories of Windows and their events.
pub(super) const CATEGORIES: &[(&str, Events)] = &[
    ("process_creation", &[(Log::Sysmon, &["1"]), (Log::Security, &["4688"])]),
    ("file_change", &[(Log::Sysmon, &["2"])]),
    ("network_connection", &[(Log::Sysmon, &["3"]), (Log::Security, &["5156"])]),
    ("sysmon_status", &[(Log::Sysmon, &["4", "16"])]),
    ("process_termination", &[(Log::Sysmon, &["5"]), (Log::Security, &["4689"])]),
    ("driver_load", &[(Log::Sysmon, &["6"])]),
    ("image_load", &[(Log::Sysmon, &["7"])]),
    ("create_remote_thread", &[(Log::Sysmon, &["8"])]),
    ("raw_access_thread", &[(Log::Sysmon, &["9"])]),
    ("process_access", &[(Log::Sysmon, &["10"])]),
    ("file_event", &[(Log::Sysmon, &["11"])]),
    ("registry_add", &[(Log::Sysmon, &["12"])]),
    ("registry_delete", &[(Log::Sysmon, &["12"])]),
    ("registry_set", &[(Log::Sysmon, &["13"]), (Log::Security, &["4657"])]),
    ("registry_rename", &[(Log::Sysmon, &["14"])]),
    ("registry_event", &[(Log::Sysmon, &["12", "13", "14"]), (Log::Security, &["4657"])]),
    ("create_stream_hash", &[(Log::Sysmon, &["15"])]),
    ("pipe_created", &[(Log::Sysmon, &["17", "18"])]),
    ("wmi_event", &[(Log::Sysmon, &["19", "20", "21"])]),
    ("dns_query", &[(Log::Sysmon, &["22"])]),
    ("file_delete", &[(Log::Sysmon, &["23", "26"])]),
    ("clipboard_capture", &[(Log::Sysmon, &["24"])]),
    ("process_tampering", &[(Log::Sysmon, &["25"])]),
    ("file_block_executable", &[(Log::Sysmon, &["27"])]),
    ("file_block_shredding", &[(Log::Sysmon, &["28"])]),
    ("file_executable_detected", &[(Log::Sysmon, &["29"])]),
    ("sysmon_error", &[(Log::Sysmon, &["255"])]),
    ("ps_module", &[(Log::PowerShell, &["4103"])]),
    ("ps_script", &[(Log::PowerShell, &["4104"])]),
    ("ps_classic_start", &[(Log::Classic, &["400"])]),
    ("ps_classic_provider_start", &[(Log::Classic, &["600"])]),
    ("ps_classic_script", &[(Log::Classic, &["800"])]),
];

/// The gate of a log source.
pub(super) fn gate(source: &LogSource) -> Gate {
    let (product, category, service) = (source.product.as_str(), source.category.as_str(), source.service.as_str());
    let listed = CATEGORIES.iter().position(|(name, _)| *name == category);
    match (product, listed) {
        ("windows", _) if !service.is_empty() => channel(service),
        ("windows", Some(category)) => Gate::Category(category, System::Windows),
        ("windows", None) => Gate::Windows,
        ("linux", Some(category)) => Gate::Category(category, System::Linux),
        ("macos", Some(category)) => Gate::Category(category, System::Mac),
        ("", Some(category)) => Gate::Category(category, System::Any),
        ("linux" | "macos", None) => unix(service),
        ("aws", _) => Gate::CloudTrail,
        ("zeek", _) => Gate::Zeek(service.to_owned()),
        ("cisco", _) if service != "duo" => Gate::Device(&["cisco"]),
        ("huawei", _) => Gate::Device(&["huawei", "%%01", "%%10"]),
        ("juniper", _) => Gate::Device(&["juniper", "junos", "rpd["]),
        ("jvm" | "sql" | "python" | "velocity" | "django" | "nodejs" | "ruby_on_rails" | "spring", _) => Gate::Text,
        (
            "azure" | "m365" | "gcp" | "okta" | "github" | "bitbucket" | "onelogin" | "kubernetes" | "opencanary"
            | "cisco" | "fortigate" | "fortios" | "qualys",
            _,
        ) => Gate::Named,
        ("", None) => match (category, service) {
            ("webserver", _) => Gate::Web,
            ("proxy", _) => Gate::Proxy,
            ("database", _) => Gate::Syslog(&["postgres", "mysql", "mariadb", "oracle", "mssql", "mongod"]),
            (_, "apache" | "nginx") => Gate::Syslog(&["apache-error", "nginx-error", "access"]),
            _ => Gate::Any,
        },
        _ => Gate::Any,
    }
}

fn unix(service: &str) -> Gate {
    match service {
        "auditd" => Gate::Audit,
        "sshd" => Gate::Syslog(&["sshd"]),
        "sudo" => Gate::Syslog(&["sudo"]),
        "cron" => Gate::Syslog(&["cron"]),
        "clamav" => Gate::Syslog(&["clam", "freshclam"]),
        "vsftpd" => Gate::Syslog(&["vsftpd"]),
        "guacamole" => Gate::Syslog(&["guac"]),
        "auth" => Gate::Syslog(&["sshd", "sudo", "su", "login", "pam", "polkit", "pkexec", "passwd", "useradd"]),
        "syslog" => Gate::Syslog(&[]),
        _ => Gate::Text,
    }
}

/// Letters and digits of the names of channels that are not called like their service.
fn channel(service: &str) -> Gate {
    let whole = |name: &str| Gate::Channel(name.to_owned(), true);
    let part = |name: &str| Gate::Channel(name.to_owned(), false);
    match service {
        "security" | "system" | "application" => whole(service),
        "powershell" => part("powershelloperational"),
        "powershell-classic" => whole("windowspowershell"),
        "windefend" => part("windowsdefenderoperational"),
        "firewall-as" => part("windowsfirewallwithadvancedsecurity"),
        "lsa-server" => part("lsa"),
        other => part(&letters(other.as_bytes())),
    }
}
