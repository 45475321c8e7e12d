//! Forms of a secret on a command line, each with the secret. The values are made up here; `A36` and its kin are
//! put together when the test runs, so that no scanner takes the table for a leak.

#![allow(unreachable_pub, reason = "each test crate is a module's root")]

const A36: &str = "kQ7mX2vB9nR4tW6yZ1cD8fG3hJ5lP0sA4eU7";
const PASSWORD: &str = "Tr1cky!Harvest";
const WORDS: &str = "abcdefghijklmnopqrst";

/// The text of a form and its secret.
#[allow(clippy::too_many_lines, reason = "a table")]
pub fn forms() -> Vec<(String, String)> {
    let long: String = A36.repeat(6);
    let cut = |length: usize| long.chars().take(length).collect::<String>();
    let hex =
        |length: usize| "0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(4).chars().take(length).collect::<String>();
    let mut forms = Vec::new();
    let mut with = |secret: &str, texts: &[&str]| {
        for text in texts {
            assert!(text.contains("§"), "{text}");
            forms.push((text.replace("§", secret), secret.to_owned()));
        }
    };
    // Recognised by a name.
    with(
        PASSWORD,
        &[
            "password=§",
            "PASSWORD: §",
            "passwd='§'",
            "\"pwd\": \"§\"",
            "{\\\"password\\\":\\\"§\\\"}",
            "{\\\\\\\"password\\\\\\\":\\\\\\\"§\\\\\\\"}",
            "password%3D§",
            "%22password%22%3A%22§%22",
            "DB_PASS=§",
            "--password §",
            "--password=§",
            "--db-password \"§\"",
            "-Password §",
            "-Password '§'",
            "/password:§",
            "/pass:§",
            "app /p:§",
            "-password:§",
            "--passphrase §",
            "$pw = 'x'; $password = \"§\"",
            "$env:DB_PASSWORD=\"§\"",
            "${env:DB_PASSWORD} = '§'",
            "set DB_PASSWORD=§",
            "set \"DB_PASSWORD=§\"",
            "export PGPASSWORD=§",
            "setx DB_PASSWORD §",
            "setx /M DB_PASSWORD \"§\"",
            "[Environment]::SetEnvironmentVariable('DB_PASSWORD','§','User')",
            "Set-Item env:DB_PASSWORD §",
            "Set-Item -Path Env:DB_PASSWORD -Value §",
            "git config --global user.password §",
            "@{password='§'}",
            "<password>§</password>",
            "<Data Name=\"Password\">§</Data>",
            "<add key=\"Password\" value=\"§\" />",
            "{\"name\":\"DB_PASSWORD\",\"value\":\"§\"}",
            "Server=a;User Id=b;Password=§;Encrypt=true",
            "Server=a;Uid=b;Pwd=§;",
            "-Password (ConvertTo-SecureString \"§\" -AsPlainText -Force)",
            "ConvertTo-SecureString -String § -AsPlainText -Force",
            "ConvertTo-SecureString -AsPlainText -Force '§'",
            "\"§\" | ConvertTo-SecureString -AsPlainText -Force",
            "New-Object System.Net.NetworkCredential(\"user\",\"§\")",
            "[System.Net.NetworkCredential]::new('user', '§')",
            "requests.post(u, auth=(\"user\",\"§\"))",
            "HTTPBasicAuth('user', '§')",
            "ftp.login(\"user\", \"§\")",
            "base64.b64encode(b\"user:§\")",
            "[Text.Encoding]::UTF8.GetBytes('user:§')",
            "echo § | docker login -u user --password-stdin",
            "machine github.com login user password §",
            "ALTER USER u IDENTIFIED BY '§'",
            "ALTER USER u WITH PASSWORD '§'",
            "reg add HKLM\\x /v DefaultPassword /t REG_SZ /d § /f",
            "New-ItemProperty -Path HKLM:\\x -Name DefaultPassword -Value §",
            "https://h/login?user=a&password=§&x=1",
            "mvn -Dpassword=§ deploy",
            "kubectl create secret generic x --from-literal=password=§",
            "password = §",
            "password=>'§'",
            "password:=\"§\"",
            "$password -eq '§'",
            "printf \"username=x\\npassword=§\\n\" | git credential approve",
            "GIT_ASKPASS=echo\\ §",
            "pass\"\"word=§",
            "pass^word=§",
            "'pass'+'word=§'",
            "pa\u{200b}ssword=§",
            "secret=§",
            "client_secret=§",
            "--client-secret §",
            "\"clientSecret\":\"§\"",
            "token=§",
            "-Token §",
            "access_token: §",
            "api_key=§",
            "X-Api-Key: §",
            "x-functions-key: §",
            "--storage-account-key §",
            "AccountKey=§;EndpointSuffix=x",
            "SharedAccessKey=§",
        ],
    );
    with(
        WORDS,
        &[
            "-H \"Authorization: Bearer §\"",
            "-H 'authorization:token §'",
            "-H \"Authorization: §\"",
            "@{Authorization=\"token §\"}",
            "@{'Authorization' = 'Bearer §'}",
            "$h.Add(\"Authorization\",\"Bearer §\")",
            "$h['Authorization'] = 'token ' + '§'",
            "{\\\"Authorization\\\":\\\"Bearer §\\\"}",
            "headers={'Authorization': f'token §'}",
            "-H ^\"Authorization: Bearer §^\"",
            "-H \"Proxy-Authorization: Basic §\"",
            "-H \"PRIVATE-TOKEN: §\"",
            "-H \"JOB-TOKEN: §\"",
            "-H 'X-Auth-Token: §'",
            "-H \"X-Vault-Token: §\"",
            "-H \"apikey: §\"",
            "$h.Add('X-Api-Key','§')",
            "--header=X-Api-Key:§",
            "-H \"Cookie: session=§; theme=dark\"",
            "curl -b \"session=§\" https://h",
            "npm config set //registry.npmjs.org/:_authToken §",
            "//registry.npmjs.org/:_authToken=§",
            "ngrok authtoken §",
            "nuget setapikey §",
            "gh auth login --token §",
            "dotnet user-secrets set ApiKey §",
            "https://h/x?access_token=§",
            "https://h/x?private_token=§&y=1",
            "--oauth2-bearer §",
            "Authorization%3A%20Bearer%20§",
            "&quot;Authorization&quot;: &quot;Bearer §&quot;",
        ],
    );
    // Recognised by a tool.
    with(
        PASSWORD,
        &[
            "curl -u user:§ https://h",
            "curl -uuser:§ https://h",
            "curl -sSu user:§ https://h",
            "curl -XPOST -fsSLu user:§ https://h",
            "curl --user user:§ https://h",
            "curl --user=user:§ https://h",
            "curl -u 'user:§' https://h",
            "curl -u \\\"user:§\\\" https://h",
            "curl -U user:§ https://h",
            "curl --proxy-user user:§ https://h",
            "C:\\x\\c.exe -u user:§ https://h",
            "curl -E c.pem:§ https://h",
            "\"C:\\Program Files\\curl\\curl.exe\" -u \"user:§\" https://h",
            "cmd /c \"curl -u user:§ https://h\"",
            "curl --pass § https://h",
            "wget --user=u --password=§ https://h",
            "http -a user:§ https://h",
            "net use \\\\h\\s § /user:d\\u",
            "net use x: \\\\h\\s /user:d\\u §",
            "net user eve § /add",
            "net.exe user eve \"§\" /add",
            "cmdkey /add:h /user:u /pass:§",
            "mysql -u root -p§ db",
            "sshpass -p § ssh h",
            "plink -pw § h",
            "psexec \\\\h -u d\\u -p § cmd",
            "sqlcmd -S h -U u -P §",
            "sqlplus user/§@db",
            "redis-cli -a §",
            "ldapsearch -x -w §",
            "7z a -p§ x.7z y",
            "\"C:\\Program Files\\7-Zip\\7z.exe\" a -p§ x.7z y",
            "rar a -hp§ x y",
            "zip -P § x y",
            "schtasks /create /ru u /rp §",
            "openssl enc -k § -in x",
            "openssl rsa -passin pass:§",
            "docker login -u u -p § h",
            "az login --service-principal -u u -p §",
            "evil-winrm -i h -u u -p §",
            "smbclient //h/s -U user%§",
            "lftp -u user,§ h",
            "wmiexec.py d/u:§@h",
            "bitsadmin /setcredentials j SERVER BASIC u §",
            "rclone config create f ftp host h user u pass §",
            "wmic /user:u /password:§ os",
        ],
    );
    // Recognised by a position in a URL.
    with(
        PASSWORD,
        &[
            "https://user:§@github.com/a/b",
            "ftp://u:§@h/a",
            "git push https://x-access-token:§@github.com/a/b",
            "redis://:§@h:6379",
            "mongodb+srv://u:§@h/db",
            "git -c url.\"https://x:§@github.com/\".insteadOf=https://github.com/ push",
            "https%3A%2F%2Fuser%3A§%40github.com",
            "https://$env:U:§@github.com/a",
            "jdbc:oracle:thin:user/§@h",
        ],
    );
    with("pa#ss/wo@rd", &["https://user:§@github.com/a"]);
    with(
        &cut(40),
        &[
            "https://§@github.com/a/b",
            "https://§:x-oauth-basic@github.com/a/b",
            "--secret-key §",
            "$env:AWS_SECRET_ACCESS_KEY='§'",
        ],
    );
    // Recognised by their shape.
    let shapes: Vec<(&str, String)> = [
        ("ghp_", 36),
        ("gho_", 36),
        ("ghu_", 36),
        ("ghs_", 36),
        ("ghr_", 36),
        ("github_pat_", 82),
        ("glpat-", 20),
        ("gldt-", 20),
        ("glrt-", 20),
        ("glptt-", 40),
        ("glimt-", 25),
        ("glagent-", 50),
        ("glcbt-", 24),
        ("gloas-", 64),
        ("GR1348941", 20),
        ("ATBB", 28),
        ("ATATT", 60),
        ("ATCTT", 60),
        ("npm_", 36),
        ("pypi-AgEIcHlwaS5vcmc", 60),
        ("dckr_pat_", 27),
        ("xoxb-123456789012-1234567890123-", 24),
        ("xapp-1-A012345-123456-", 40),
        ("sk_live_", 24),
        ("sk-proj-", 48),
        ("sk-ant-api03-", 80),
        ("hf_", 34),
        ("AIza", 35),
        ("ya29.", 60),
        ("dop_v1_", 64),
        ("hvs.", 24),
        ("glsa_", 41),
        ("shpat_", 32),
        ("lin_api_", 40),
        ("figd_", 40),
        ("tskey-auth-", 24),
        ("rubygems_", 48),
        ("SG.", 66),
        ("gsk_", 52),
        ("pul-", 40),
        ("sntryu_", 64),
        ("NRAK-", 27),
        ("AGE-SECRET-KEY-1", 58),
    ]
    .into_iter()
    .map(|(prefix, length)| (prefix, cut(length)))
    .collect();
    for (prefix, body) in &shapes {
        with(body, &[&format!("tool {prefix}§ next")]);
    }
    with(&cut(36), &["gh^p_§", "ghp_\"§\"", "ghp%5F§", "'ghp_' + '§'", "gh\u{200b}p_§"]);
    with("ABCDEFGHIJKLMNOP", &["AKIA§", "set AWS_ACCESS_KEY_ID=ASIA§"]);
    with(&hex(64), &["/aes256:§"]);
    with(&format!("{}.{}.{}", cut(30), cut(40), cut(20)), &["eyJ§"]);
    with(&format!("T00000000/B00000000/{}", cut(24)), &["https://hooks.slack.com/services/§"]);
    with(
        &cut(60),
        &[
            "https://discord.com/api/webhooks/123456789012345678/§",
            "https://a.blob.core.windows.net/c?sv=2026&sig=§",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n§\n-----END OPENSSH PRIVATE KEY-----",
        ],
    );
    with(&format!("123456789:AA{}", cut(33)), &["https://api.telegram.org/bot§/sendMessage"]);
    with(&format!("{}==", cut(86)), &["x § y"]);
    with(
        "mzpqr2wxkyfbtl3hvcdja4ges5n6u7iomzpqr2wxkyfbtl3hvcdj",
        &["https://§@dev.azure.com/o/p", "GetBytes(\":§\")", "set AZURE_DEVOPS_EXT_PAT=§"],
    );
    forms
}
