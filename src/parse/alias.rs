//! What the keys of other systems mean: which is the time, the level, the message, and which carry a common field.

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The time of the record; the smaller number is the better key.
    Time(u8),
    /// The level.
    Level,
    /// The message.
    Message,
    /// An alias of a common name.
    Rename(&'static str),
    /// Carries a common field and keeps its own name too; the bit tells them apart.
    Also(&'static str, u32),
}

/// The role of a key, which is in lower case with dots between levels, or `None` where it has none.
pub(super) fn role(name: &str) -> Option<Role> {
    use Role::{Level, Message, Rename, Time};
    Some(match name {
        "eventtime" | "event_time" | "__realtime_timestamp" | "event.created" => Time(0),
        "ts" | "timestamp" | "time" | "_time" | "@t" | "asctime" | "date_time" | "t" | "t.$date" => Time(1),
        "@timestamp"
        | "event.system.timecreated.#attributes.systemtime"
        | "system.timecreated.systemtime"
        | "event.system.timecreated.systemtime"
        | "timecreated"
        | "utctime"
        | "@fields.ts"
        | "eventtimestamp"
        | "published"
        | "createddatetime"
        | "activitydatetime" => Time(2),
        "datetime"
        | "started_at"
        | "edgestarttimestamp"
        | "edgeendtimestamp"
        | "time_local"
        | "time_iso8601"
        | "start_time"
        | "starttime"
        | "instant.epochsecond"
        | "requestreceivedtimestamp"
        | "creationtime"
        | "start"
        | "rt"
        | "date"
        | "eventreceivedtime"
        | "resourcelogs.scopelogs.logrecords.timeunixnano"
        | "timegenerated"
        | "syslog_timestamp"
        | "log_time"
        | "logtime"
        | "end" => Time(3),
        "level"
        | "severity"
        | "lvl"
        | "log.level"
        | "loglevel"
        | "log_level"
        | "levelname"
        | "@l"
        | "severitytext"
        | "severity_text"
        | "@fields.lvl"
        | "@fields.level"
        | "priority"
        | "error_severity"
        | "log.syslog.severity.code"
        | "event.system.level"
        | "resourcelogs.scopelogs.logrecords.severitytext" => Level,
        "msg"
        | "message"
        | "message_raw"
        | "log"
        | "short_message"
        | "fields.message"
        | "@m"
        | "@mt"
        | "@fields.msg"
        | "@message"
        | "resourcelogs.scopelogs.logrecords.body.stringvalue" => Message,
        "ip" => Rename("source_ip"),
        _ => return also(name),
    })
}

/// Bits of the common fields that keys may carry besides their own name.
const SOURCE_IP: Role = Role::Also("source_ip", 1);
const USER: Role = Role::Also("user", 2);
const HOST: Role = Role::Also("host", 4);
const APP: Role = Role::Also("app", 8);
const PID: Role = Role::Also("pid", 16);
const STATUS: Role = Role::Also("status", 32);
const METHOD: Role = Role::Also("method", 64);
const PATH: Role = Role::Also("path", 128);
const BYTES: Role = Role::Also("bytes", 256);
const AGENT: Role = Role::Also("user_agent", 512);
const EVENT: Role = Role::Also("event_type", 1024);

fn also(name: &str) -> Option<Role> {
    Some(match name {
        "src_ip"
        | "client_ip"
        | "clientip"
        | "client"
        | "client.ip"
        | "remote_addr"
        | "remote_ip"
        | "remoteaddr"
        | "remoteip"
        | "sourceipaddress"
        | "id.orig_h"
        | "src"
        | "source.ip"
        | "source.address"
        | "ipaddress"
        | "sourceaddress"
        | "sourceip"
        | "request.remote_ip"
        | "request.client_ip"
        | "rip"
        | "rhost"
        | "srcip"
        | "src_addr"
        | "saddr"
        | "c-ip"
        | "clienthost"
        | "data.srcip"
        | "ip_address"
        | "callingip"
        | "remote"
        | "remote_host"
        | "addr"
        | "tx_hosts"
        | "peer"
        | "attacker"
        | "http.client_ip"
        | "nginx.access.remote_ip"
        | "source_address"
        | "ipaddr"
        | "sourceips"
        | "calleripaddress"
        | "client.ipaddress"
        | "event.eventdata.ipaddress"
        | "event.eventdata.sourceip"
        | "winlog.event_data.ipaddress"
        | "winlog.event_data.sourceip"
        | "protopayload.requestmetadata.callerip"
        | "data.src_ip"
        | "network.client.ip" => SOURCE_IP,
        "username"
        | "user_name"
        | "usr"
        | "uname"
        | "acct"
        | "account"
        | "login"
        | "useridentity.username"
        | "targetusername"
        | "accountname"
        | "event.eventdata.targetusername"
        | "cs-username"
        | "user.username"
        | "remote_user"
        | "suser"
        | "usrname"
        | "data.srcuser"
        | "data.dstuser"
        | "event.eventdata.user"
        | "event.eventdata.subjectusername"
        | "winlog.event_data.targetusername"
        | "winlog.user.name"
        | "actor.alternateid"
        | "protopayload.authenticationinfo.principalemail"
        | "initiatedby.user.userprincipalname"
        | "userprincipalname" => USER,
        "hostname"
        | "host_name"
        | "host.name"
        | "computer"
        | "computername"
        | "_hostname"
        | "event.system.computer"
        | "machinename"
        | "s-computername"
        | "shost"
        | "server_name"
        | "logsource"
        | "winlog.computer_name"
        | "computer_name"
        | "host.hostname"
        | "nodename" => HOST,
        "service"
        | "program"
        | "service.name"
        | "application"
        | "app_name"
        | "appname"
        | "syslog_identifier"
        | "process.name"
        | "sourcename"
        | "ident"
        | "process_name"
        | "programname"
        | "container_name"
        | "eventsource"
        | "event.system.provider.#attributes.name"
        | "winlog.provider_name"
        | "provider_name"
        | "kubernetes.container_name"
        | "logger_name" => APP,
        "_pid" | "process_id" | "processid" | "process.pid" | "syslog_pid" => PID,
        "status_code"
        | "statuscode"
        | "http.status"
        | "response.status"
        | "http_status"
        | "response_code"
        | "sc-status"
        | "http.response.status_code"
        | "edgeresponsestatus"
        | "httpstatus"
        | "code"
        | "response"
        | "responsestatus.code"
        | "http.response.status"
        | "status.code"
        | "httprequest.status" => STATUS,
        "http_method"
        | "request_method"
        | "http.http_method"
        | "request.method"
        | "http.request.method"
        | "cs-method"
        | "clientrequestmethod"
        | "verb"
        | "requestmethod"
        | "httprequest.requestmethod" => METHOD,
        "uri"
        | "url"
        | "request_uri"
        | "http.url"
        | "request.uri"
        | "url.path"
        | "cs-uri-stem"
        | "uri_path"
        | "request_path"
        | "clientrequesturi"
        | "requesturi"
        | "request.url"
        | "httprequest.requesturl"
        | "url.original"
        | "cs-uri" => PATH,
        "bytes_sent" | "body_bytes_sent" | "size" | "response_size" | "sc-bytes" | "http.length"
        | "response_length" | "response.size" | "content_length" | "bytes_out" | "edgeresponsebytes" => BYTES,
        "useragent"
        | "http_user_agent"
        | "http.http_user_agent"
        | "user-agent"
        | "cs(user-agent)"
        | "user_agent.original"
        | "clientrequestuseragent"
        | "agent" => AGENT,
        "eventid"
        | "event_id"
        | "eventname"
        | "event.action"
        | "_path"
        | "event.system.eventid"
        | "note"
        | "event.code"
        | "winlog.event_id"
        | "operationname"
        | "operation"
        | "protopayload.methodname"
        | "event_name" => EVENT,
        _ => return None,
    })
}
