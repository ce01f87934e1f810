//! The patterns themselves: literals that are searched in every line, regexes that run only where a literal was found.

use super::Rule;

/// What a literal means where it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The rule fires where the literal stands as a word (no letter before it).
    Starts(Rule),
    /// The rule fires where the literal stands as a word (no letter or digit on either side).
    Word(Rule),
    /// The rule fires wherever the literal stands.
    Anywhere(Rule),
    /// The regex of the rule decides.
    Check(Rule),
}

/// Literals by what they mean; matched without case.
#[rustfmt::skip] // one literal a line would be six hundred lines
pub(super) const LITERALS: &[(Action, &[&str])] = &[
    (
        Action::Check(Rule::Sqli),
        &[
            "union", "select", "sleep(", "benchmark(", "waitfor", "extractvalue", "updatexml", "procedure",
            "xp_cmdshell", "load_file", "outfile", "dumpfile", "information_schema", "order by", "having ",
            "group by", "rlike", "randomblob", "dbms_", "utl_", "ctxsys", "iif(", "elt(", "chr(", "char(", "--",
            "'or", "' or", "\"or", "\" or", ")or", ") or", "' and", "\" and", ") and", "' ||", "'||", " or ",
            " and ", " where ", " like ", "if(", "if (", "case ", "' like", "drop ", "insert ", "delete ",
            "shutdown", "exec ", "declare ", "regexp", "'#", "';", "\";", "' #", "')", "\")", "make_set",
            "crypt_key", "rdb$", "sysibm", "domain.domains", "all_users", "sysusers", "msysaccess", "@@version",
            "generate_series", "waitfor ", "call ", "begin ", "'/*", "'='",
        ],
    ),
    (
        Action::Check(Rule::Xss),
        &[
            "<script", "</script", "javascript:", "vbscript:", "<img", "<svg", "<iframe", "<body", "<object",
            "<embed", "<meta", "<link", "<style", "<xss", "<input", "<form", "<marquee", "<table", "<div", "<base",
            "<bgsound", "<layer", "<a ", "<h1", "<b>", "<font", "<video", "<audio", "<math", "<details", "<isindex",
            "<frame", "<br", "<textarea", "<!--", "<plaintext", "onerror", "onload", "onmouse", "onclick",
            "onfocus", "alert(", "prompt(", "confirm(", "document.", "fromcharcode", "expression(", "-moz-binding",
            "data:text/html", "window.", "&#", "&lt;script", "%3cscript", "<?xml", "xss", "<%", "<p ", "<p>",
            "<center", "<title",
        ],
    ),
    (
        Action::Check(Rule::PathTraversal),
        &[
            "../", "..\\", "/..", "\\..", "etc/passwd", "etc\\passwd", "etc/shadow", "boot.ini", "win.ini",
            "/proc/self", "file://", "..;/", "%c0%", "%c1%", "%bg%", "%2e", "%5c", "./\\", ".\\/", "{file}", "web-inf", "inetpub", "file:/",
        ],
    ),
    (
        Action::Check(Rule::CommandInjection),
        &[
            ";", "|", "`", "$(", "&&", "& ", "\n", "/bin/", "cmd.exe", "cmd /c", "#exec", "${ifs}", "system(",
            "exec(", "passthru(", "popen(", "dir c:", "ping -", "ping.exe", "=/bin/", "/usr/bin/", "=id", "'id'", "uname", "whoami", "%0a",
        ],
    ),
    (
        Action::Check(Rule::CodeInjection),
        &[
            "${jndi", "${lower", "${upper", "${env:", "${::-", "<?php", "<?=", "php://", "expect://", "data://",
            "<!entity", "<!doctype", "{{", "__import__", "__class__", "${7", "${@", "set-cookie:", "*)(", "eval(",
            "phpinfo(", "base64_decode(", "allow_url_include", "auto_prepend_file", "() {", "(){", "ognl", "%{(#",
            "java.lang.runtime", "classloader",
        ],
    ),
    (
        Action::Word(Rule::Scanner),
        &[
            "sqlmap", "nikto", "nmap", "masscan", "zgrab", "acunetix", "nessus", "openvas", "w3af", "dirbuster",
            "gobuster", "wpscan", "arachni", "havij", "netsparker", "nuclei", "wfuzz", "ffuf", "feroxbuster",
            "skipfish", "whatweb", "zmeu", "muieblackcat", "morfeus", "qualys", "appscan", "webinspect", "commix",
            "fimap", "joomscan", "xsser", "dirb", "jaeles", "sqlninja", "bsqlbf", "grendel-scan", "websecurify",
            "burpsuite", "burpcollaborator", "interactsh", "l9explore", "censysinspect", "projectdiscovery",
            "nsauditor", "httprint", "paros", "cgichk", "n-stealth", "absinthe", "metasploit", "hydra", "crowbar",
            "medusa", "webshag",
        ],
    ),
    (
        Action::Check(Rule::Destructive),
        &[
            "rm -", "rm\t", "mkfs", "of=/dev/", "> /dev/sd", ">/dev/sd", "shred ", ":(){", ":() {", "vssadmin",
            "wbadmin", "bcdedit", "wevtutil", "cipher /w", "del /", "format c:", "drop database", "drop table",
            "drop schema", "histfile", "history -c", "clear-eventlog", "kill -9 -1", "truncate table",
            "--no-preserve-root", "iptables -f", "auditctl -d",
        ],
    ),
    (
        Action::Check(Rule::DownloadExecute),
        &[
            "wget", "curl", "lwp-download", "powershell", "certutil", "bitsadmin", "mshta", "regsvr32", "tftp",
            "base64 -", "urlopen", "busybox", "iex(", "iex (", "downloadstring", "invoke-expression",
            "frombase64string", "chmod +x", "chmod 777",
        ],
    ),
    (
        Action::Check(Rule::ReverseShell),
        &[
            "/dev/tcp/", "/dev/udp/", "nc ", "ncat ", "netcat ", "bash -i", "sh -i", "mkfifo", "fsockopen",
            "socat ", "pty.spawn", "socket.socket", "-rsocket",
        ],
    ),
    (
        Action::Anywhere(Rule::ProbePath),
        &[
            "/.env", "/.git/", "/.svn/", "/.hg/", "/.aws/", "/.ssh/", "/.htaccess", "/.htpasswd", "/.ds_store",
            "/.bash_history", "/wp-login.php", "/wp-admin", "/wp-config", "/xmlrpc.php", "/phpmyadmin", "/pma/",
            "/myadmin", "/mysqladmin", "/cgi-bin/", "/server-status", "/actuator", "/boaform", "/hnap1",
            "/manager/html", "/solr/admin", "/vendor/phpunit", "/id_rsa", "/web.config", "/owa/auth",
            "/autodiscover", "/_ignition", "/telescope", "/admin.php", "/phpinfo", "/jmx-console", "/web-inf",
            "/etc/passwd", "/shell.php", "/cmd.php", "/c99", "/r57", "/setup.php", "/install.php", "/w00tw00t",
            "/muieblackcat", "/scripts/root.exe", "/cmd.exe", "/iisadmin", "/_vti_", "/global.asa", "/trace.axd",
            "/elmah", "/dump.sql", "/backup.sql", "/backup.zip", "/login.action",
        ],
    ),
    (
        Action::Starts(Rule::AuthFailure),
        &[
            "failed password", "authentication fail", "authentication error", "failed login", "login fail",
            "failed logon", "logon fail", "invalid user", "user unknown", "unknown user", "auth fail",
            "invalid credential", "invalid password", "bad password", "wrong password", "incorrect password",
            "password mismatch", "password check failed", "login incorrect", "failed to authenticate",
            "not authenticated", "authentication unsuccessful", "failed su ", "failed publickey",
            "failed keyboard", "failed none", "illegal user", "maximum authentication attempts",
            "too many authentication", "no such user", "login.failed", "sasl login authentication failed",
            "couldn't authenticate", "login attempt failed", "failed auth", "access denied for user",
            "could not authenticate", "account locked", "account lock", "kerberos pre-authentication failed",
            "an account failed to log on", "login denied", "login error",
        ],
    ),
    (
        Action::Starts(Rule::AccessDenied),
        &["unauthorized", "unauthorised", "not authorized", "not authorised", "authorization fail", "not permitted to"],
    ),
    (
        Action::Word(Rule::PrivilegedAccount),
        &[
            "root", "administrator", "admin", "sudo", "uid=0", "domain admins", "nt authority\\system",
        ],
    ),
    (
        Action::Starts(Rule::FaultWord),
        &[
            "error", "fail", "fatal", "panic", "exception", "abort", "crash", "corrupt", "segfault", "segmentation",
            "timed out", "timeout", "refused", "unreachable", "denied", "killed", "out of memory", "oom-kill",
            "core dump", "traceback", "unable to", "cannot ", "can't ", "could not", "couldn't", "invalid",
            "illegal", "unexpected", "violation", "overflow", "deadlock", "broken pipe", "reset by peer",
            "no space", "read-only file system", "i/o error", "not responding", "interrupted", "lost ",
            "unrecoverable", "fault",
        ],
    ),
];

/// The regex of every rule that has one, without case, on bytes; the decision where a literal was found.
pub(super) const REGEXES: &[(Rule, &[&str])] = &[
    (
        Rule::Sqli,
        &[
            r"\bunion\b[\s(]*(?:all|distinct)?[\s(]*select\b",
            r"[(;]\s*select\b",
            r"\bselect\b.{1,200}\bfrom\b.{0,60}(?:information_schema|sysobjects|sysusers|syscat|sysibm|sysmaster|mysql\.|pg_|all_users|all_tables|dual\b|msysaccess|rdb\$|domain\.)",
            r"\b(?:pg_sleep|sleep|benchmark|randomblob|load_file|extractvalue|updatexml|make_set|exp|row|elt|iif|crypt_key|name_const)\s*\([^)]{0,80}(?:select\b|\d)[^)]*\)?.*(?:--|#|=|'|\bor\b|\band\b|\bwhere\b)",
            r"(?:--|#|=|'|\)|\bor\b|\band\b|\bwhere\b|\brlike\b|;|\(|,|\d)\s*\(?\s*(?:pg_sleep|sleep|benchmark|randomblob|load_file|extractvalue|updatexml|make_set|elt|iif|crypt_key)\s*\(",
            r"\bwaitfor\s+delay\b",
            r"\bprocedure\s+analyse\b",
            r"\bxp_cmdshell\b|\binto\s+(?:out|dump)file\b|\binformation_schema\.|@@version|\bdbms_\w+\.|\butl_\w+\.|\bctxsys\.|\brdb\$|\bsysibm\.|\bdomain\.domains\b",
            r"\b(?:or|and|xor|having|where|rlike|not)\b\s*\(*\s*['\x22]?%?\d+['\x22]?\s*\)*\s*(?:=|<>|!=|<|>|\blike\b)\s*\(*\s*['\x22]?%?\w",
            r"['\x22]\s*\)*\s*(?:(?:or|and|xor|having|where|rlike|like|in|between)\b|\|\||&&)\s*\(*\s*(?:['\x22(]|not\b|\w+\s*\(|['\x22]?\w+['\x22]?\s*(?:=|<|>|like\b|is\b|in\b|rlike\b|between\b))",
            r"\)\s*\)*\s*(?:or|and|xor|having|where|rlike)\s+\(*\s*(?:['\x22(]|not\b|\d+|\w+\s*\()",
            r"['\x22]\s*\)*\s*;?\s*(?:--|#|/\*)",
            r"(?:\d|\w|['\x22)%])\s*\)*\s*;\s*(?:select|drop|insert|update|delete|shutdown|exec|declare|waitfor|create|alter|truncate|call|begin|if|merge|grant)\b\s*[\s(;-]",
            r"\b(?:order|group)\s+by\s+\d+\s*(?:,\s*\d+\s*)*(?:--|#|/\*|$)",
            r"['\x22)]\s*\)*\s*(?:order|group)\s+by\s+[\w(]",
            r"\bcase\s+when\b.{1,80}\bthen\b.{1,80}\b(?:end|else)\b",
            r"(?:\(|=|\|\||\+|,)\s*(?:chr|char|concat|ascii|substring|substr|mid|ord|hex|unhex|upper|cast|convert)\s*\(.*(?:\|\||select|=|>|<|,\s*0x|chr|char)",
            r"\bas\s+\w+\s+where\s+\d+\s*=\s*\d+",
            r"\bregexp_substring\s*\(|\bgenerate_series\s*\(|\bmake_set\s*\(",
            r"['\x22]\s*(?:=|<>|like)\s*['\x22]\s*(?:$|or|and|--)",
            r"\w['\x22]\s*(?:\|\||\+)\s*['\x22(]\w",
            r"(?:^|[=\s])-?\d+(?:[)%]*['\x22]['\x22)%]*\s*\(|['\x22)%]+\s*(?:where|procedure|rlike|union)\b)",
            r"(?:^|[=\s'])-?\d+\s*(?:=|<|>)\s*\(\s*select|\b(?:rlike|regexp)\s*\(\s*(?:select|case|sleep)",
            r"\bdrop\s+(?:table|function|database)\b.{0,60}--",
            r"\bif\s*\(\s*\(?\s*\d+\s*(?:=|<|>)\s*\d+",
            r"\d\s+(?:or|and)\s+\(?\s*(?:['\x22]?\w+['\x22]?\s*=\s*['\x22]?\w+['\x22]?|select|exists|not)\b.*(?:--|#|'|\x22|$)",
            r"\bend\s+and\s+\(*\s*['\x22]\w+['\x22]\s*(?:=|like)",
        ],
    ),
    (
        Rule::Xss,
        &[
            r"<\s*/?\s*(?:script|iframe|object|embed|applet|meta|svg|img|body|style|link|base|form|input|marquee|bgsound|layer|ilayer|xss|isindex|frame(?:set)?|video|audio|math|details|textarea|plaintext|title|html|head|table|td|div|span|font|center|button|select|h[1-6]|br|blink|xml|image)\b",
            r"<\s*(?:a|b|p|i|u|q|s|td|tr)\b[^>]{0,200}(?:href|on\w{3,20}|style|src)\s*=",
            r"<[a-z!?%/][^>]{0,200}\bon[a-z]{3,20}\s*=",
            r"['\x22/\s;]on(?:error|load|mouse\w+|click|focus|blur|change|submit|key\w+|select|toggle|begin|resize|scroll|abort|drag\w*|dblclick|unload)\s*=",
            r"\b(?:javascript|vbscript|livescript|mocha)\s*:\s*[\w(/'\x22&%;\\\[]",
            r"\b(?:alert|prompt|confirm)\s*[(`].{0,60}[)`]?",
            r"\bdocument\s*\.\s*(?:cookie|location|write(?:ln)?|domain|url|referrer|body|createelement|getelement\w*|vulnerable|forms)\b",
            r"\bwindow\s*\.\s*(?:location|open|name|alert|onerror)\b",
            r"\bstring\s*\.\s*fromcharcode\b|\bexpression\s*\(|-moz-binding|\bdata\s*:\s*text/html",
            r"&#x?0*(?:3c|60|6a|106|74|116);?|&lt;\s*/?script",
            r"<!--.{0,40}(?:--!?>|<)|<%|<b>|<p>",
        ],
    ),
    (
        Rule::PathTraversal,
        &[
            r"(?:\.{2,}[/\\]+){2,}",
            r"[/\\]\.{2,}[/\\]+.{0,200}[/\\]\.{2,}",
            r"\.\.[/\\].{0,60}(?:etc|windows|winnt|boot\.ini|win\.ini|passwd|shadow|proc|web\.xml|web-inf|\.htaccess|config|\.ssh|root)\b",
            r"(?:^|[=?&\s'\x22:/])(?:file:/{1,3}|[a-z]:[/\\]+)?[/\\]*(?:etc[/\\]+(?:passwd|shadow)|boot\.ini|(?:windows|winnt)[/\\]+win\.ini|proc[/\\]+self[/\\]+(?:environ|cmdline|fd|maps))\b",
            r"%2e%2e|%2e\.|\.%2e|%c0%(?:ae|af|2e|2f|5c)|%c1%(?:9c|1c|af|8s|pc)|%bg%qf|\.\.%(?:2f|5c|25|u221|c0|c1)|%uff0e",
            r"\.\.;/|\.{4,}[/\\]{2,}|(?:\.[/\\]\\?){2,}\.[/\\]|[/\\]\.{3,}[/\\]|\.\\\.|\.\\/|[\x00-\x1f/\\]\.\.[\x00-\x1f]",
            r"(?:^|[=\s])\\\.\.|[/\\]{2,}\.\.[/\\]|\.\.[/\\]{2,}",
            r"\{file\}|(?:^|[=/\\.])web-inf[/\\]?web\.xml|=\s*(?:file:/+)?[a-z]:[/\\]*(?:inetpub|windows|winnt|boot\.ini|.?oot\.ini|autoexec|sysprep)",
        ],
    ),
    (
        Rule::CommandInjection,
        &[
            r"(?:[;|&`\n]|\$\()\s*(?:/(?:usr/)?s?bin/)?(?:cat|type|more|less|head|tail|nl|tac)\s+[/.$~'\x22c]",
            r"(?:[;|&`\n]|\$\()\s*(?:/(?:usr/)?s?bin/)?(?:id|whoami|uname|ifconfig|ipconfig|netstat|pwd|hostname|systeminfo|tasklist|ver|env|printenv|set|w|ps)\b\s*(?:-\w+|/\w+)?\s*(?:[;|&`)\n#'\x22]|$)",
            r"(?:[;|&`\n]|\$\()\s*(?:/(?:usr/)?s?bin/)?(?:ls|dir)\b\s*(?:-\w+|/\w*|\.|c:|[;|&`)\n#'\x22]|$)",
            r"(?:[;|&`\n]|\$\()\s*(?:/(?:usr/)?s?bin/)?(?:ping|nslookup|dig|traceroute|telnet|nc|ncat|netcat|curl|wget|ftp|tftp|fetch)\s+(?:-\w|/\w|\d|http|ftp|[\w.-]+\.\w|%|localhost)",
            r"(?:[;|&`\n]|\$\()\s*(?:/(?:usr/)?s?bin/)?(?:sleep|timeout)\s+[/\d-]",
            r"(?:[;|&`\n]|\$\()\s*(?:echo|print|printf|expr)\b\s*[\w$('\x22%\\-]{1,80}(?:\$\(|`|\)|[;|&#]|$|['\x22])",
            r"(?:[;|&`\n]|\$\()\s*(?:/(?:usr/)?s?bin/)?(?:bash|sh|ksh|zsh|csh|perl|python\d?|ruby|php|node|powershell(?:\.exe)?|cmd(?:\.exe)?|wscript|cscript)\s+(?:-\w+|/\w|[/.<])",
            r"(?:[;|&`\n]|\$\()\s*(?:/(?:usr/)?s?bin/)?(?:chmod|chown|rm|mv|cp|touch|mkdir|kill|useradd|adduser|passwd|crontab|net\s+user|reg\s+(?:add|query)|del|copy)\s+[-/+\w.~%]",
            r"(?:[;|&`\n{]|\$\(|\$\{@?)\s*(?:system|exec|shell_exec|passthru|popen|proc_open|eval|print|phpinfo|assert)\s*\(",
            r"\$\(\(\d+\s*[-+*]\s*\d+\)\)|\$\{ifs\}|`[^`]{0,80}\b(?:cat|id|ls|sleep|echo|ping|uname|whoami|wget|curl)\b[^`]{0,80}`",
            r"<!--\s*#\s*exec|\bcmd(?:\.exe)?\s*/[ck]\b|[=;|&]\s*/bin/(?:ba|da|z|k|c)?sh\b",
            r"(?:[;|&`\n]|\$\()\s*(?:for|if|while|str)\s*(?:/f|\[|\$|=|\()|\bstr=\$\(",
            r"\b(?:system|shell_exec|passthru)\s*\(\s*['\x22$]",
            r"\bdir\s+c:[/\\]?|\bping(?:\.exe)?\s+-[nci]\s+\d|\bping\.exe\b|=['\x22]?(?:uname|whoami)\b['\x22]?(?:[\s&]|$)|`\w+`|[=|;&]\s*/(?:usr/)?bin/\w",
        ],
    ),
    (
        Rule::CodeInjection,
        &[
            r"\$\{(?:jndi|lower|upper|env|sys|date|::-|\w{0,10}:-)",
            r"<\?(?:php|=)|php://(?:input|filter|stdin)|expect://|data://text|allow_url_include|auto_prepend_file",
            r"<!entity\b|<!doctype[^>]{0,80}\[",
            r"\{\{.{0,80}(?:\d\*\d|config|self\.|request\.|__class__|constructor).{0,80}\}\}|\$\{\d+\*\d+\}|__import__\s*\(|\.__class__\b",
            r"[\r\n]\s*(?:set-cookie|location|content-type|content-length)\s*:",
            r"\*\)\s*\(\s*[|&]?\s*\(?\w+=",
            r"\$\{@|\b(?:eval|phpinfo|assert)\s*\(.{0,80}\)\s*;|\bbase64_decode\s*\(\s*['\x22$]",
            r"\(\)\s*\{\s*:?;?\s*\}\s*;|%\{\(?#|java\.lang\.runtime|\bclass\.module\.classloader",
        ],
    ),
    (
        Rule::Destructive,
        &[
            r"\brm\s+(?:-{1,2}[\w-]+\s+)*(?:-[a-z]*[rf][a-z]*|--recursive|--force|--no-preserve-root)\s+(?:-{1,2}[\w-]+\s+)*['\x22]?(?:/(?:bin|boot|dev|etc|home|lib|lib64|opt|root|sbin|srv|usr|var|var/log\S*)?/?\*?|~/?\*?|\*|[a-z]:\\\S*)['\x22]?(?:\s|$|[;&|'\x22)])",
            r"--no-preserve-root\b|\bmkfs(?:\.\w+)?\s+(?:-\S+\s+)*/dev/|\bdd\b.{0,120}\bof=/dev/(?:sd|hd|nvme|vd|xvd|mmcblk|disk)|>\s*/dev/(?:sd|hd|nvme|vd)\w",
            r"\bshred\s+.{0,60}(?:/dev/|-\w*u)|:\s*\(\)\s*\{\s*:\s*\|",
            r"\bvssadmin(?:\.exe)?\s+delete\s+shadows|\bwbadmin(?:\.exe)?\s+delete|\bbcdedit(?:\.exe)?\b.{0,80}recoveryenabled\s+no|\bwevtutil(?:\.exe)?\s+(?:cl|clear-log)\b|\bcipher(?:\.exe)?\s+/w",
            r"\bdel\s+(?:/[sfq]\s+)+\S*[\\*]|\bformat\s+c:|\bclear-eventlog\b|\bkill\s+-9\s+-1\b",
            r"\bdrop\s+(?:database|schema)\s+\w|\btruncate\s+table\s+\w|;\s*drop\s+table\b",
            r"\bunset\s+histfile\b|\bhistfile=/dev/null|\bhistory\s+-c\b|\biptables\s+-F\b|\bauditctl\s+-D\b",
        ],
    ),
    (
        Rule::DownloadExecute,
        &[
            r"\b(?:curl|wget|fetch|lwp-download)\b[^|;&\n]{0,300}\|\s*(?:sudo\s+)?(?:(?:ba|da|z|k|c)?sh|python\d?|perl|php)\b",
            r"\b(?:curl|wget|tftp|ftpget|fetch)\b.{0,300}[;&|]+\s*(?:sudo\s+)?(?:chmod\b|(?:ba|da|z|k|c)?sh\s|\./|perl\s|python\d?\s)",
            r"\bchmod\s+(?:\+x|0?7[0-7]{2})\s+\S+\s*[;&|]+\s*(?:\S*/\S+|sh\s)",
            r"\b(?:ba|da|z)?sh\s+(?:-c\s+)?['\x22]?[<$]\(?\s*(?:curl|wget)\b",
            r"\bpowershell(?:\.exe)?\b.{0,200}(?:-e(?:nc|ncodedcommand)?\s+[a-z0-9+/=]{16}|downloadstring|downloadfile|invoke-expression|\biex\b|frombase64string|-w(?:indowstyle)?\s+hidden)",
            r"\biex\s*\(|\bdownloadstring\s*\(|\bcertutil(?:\.exe)?\b.{0,80}-urlcache|\bbitsadmin(?:\.exe)?\b.{0,80}/transfer|\bmshta(?:\.exe)?\s+(?:https?|vbscript|javascript):|\bregsvr32(?:\.exe)?\b.{0,80}/i:\s*http",
            r"\bbase64\s+(?:-d|--decode)\b\s*\|\s*(?:ba|da|z)?sh\b|\bbusybox\s+(?:wget|tftp|ftpget)\b",
        ],
    ),
    (
        Rule::ReverseShell,
        &[
            r"/dev/(?:tcp|udp)/[\w.]+/\d|\b(?:nc|ncat|netcat)(?:\.exe|\.traditional)?\s+.{0,80}-\w*[ec]\s+\S*(?:sh|cmd)\b",
            r"\b(?:ba|z|k|da)?sh\s+-i\s*(?:[<>&]|\d>|2>)|\bmkfifo\s.{0,120}\b(?:nc|ncat|openssl|telnet)\b|\bfsockopen\s*\(.{0,120}(?:exec|proc_open|sh\b)",
            r"\bsocat\b.{0,120}\bexec:|\bpty\.spawn\s*\(|\bsocket\.socket\s*\(.{0,200}(?:connect|dup2)|\bruby\s+-rsocket|\bperl\b.{0,80}\buse\s+socket",
        ],
    ),
];
