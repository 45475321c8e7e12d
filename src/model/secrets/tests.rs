//! Tables of masked and unmasked texts, and properties of any text.

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

const A36: &str = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5";
const PAT52: &str = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";

/// Fills in the tokens of the tables, so that no scanner takes the tests for a leak.
fn filled(text: &str) -> String {
    text.replace("A36", A36)
        .replace("PAT52", PAT52)
        .replace("A82", &format!("{A36}{A36}{A36}").chars().take(82).collect::<String>())
        .replace("A76", &format!("{A36}{A36}{A36}").chars().take(76).collect::<String>())
        .replace("HEX40", "0123456789abcdef0123456789abcdef01234567")
        .replace("B64", "dXNlcjpnaHBfMTIzNDU2Nzg5MA==")
        .replace("JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")
}

#[test]
fn secrets_are_masked_and_their_kind_stays() {
    for (text, expected) in [
        ("ghp_A36", "ghp_****"),
        ("x=gho_A36;y", "x=gho_****;y"),
        ("ghu_A36 ghs_A36 ghr_A36", "ghu_**** ghs_**** ghr_****"),
        ("set T_ghp_A36", "set T_ghp_****"),
        ("github_pat_A82", "github_pat_****"),
        ("glpat-A36", "glpat-****"),
        ("gldt-A36 glrt-t1_A36 glcbt-64_A36 glptt-A36", "gldt-**** glrt-**** glcbt-**** glptt-****"),
        ("ATBBA36", "ATBB****"),
        ("ATCTT3xA36=A36", "ATCTT****"),
        ("\"A76AZDOab12\"", "\"****\""),
        ("GetBytes(\":PAT52\")", "GetBytes(\":****\")"),
        ("git clone https://PAT52@dev.azure.com/o/p", "git clone https://****@dev.azure.com/o/p"),
        ("git clone https://o:PAT52@dev.azure.com/o/p", "git clone https://o:****@dev.azure.com/o/p"),
        ("git clone https://:PAT52@dev.azure.com/o/p", "git clone https://:****@dev.azure.com/o/p"),
        ("curl -H \"Authorization: Bearer A36\" x", "curl -H \"Authorization: Bearer ****\" x"),
        ("curl -H 'authorization:token HEX40'", "curl -H 'authorization:token ****'"),
        ("Authorization: token ghp_A36", "Authorization: token ghp_****"),
        ("Authorization: Bearer ghp_A36!tail", "Authorization: Bearer ghp_****"),
        ("Authorization: Basic B64", "Authorization: Basic ****"),
        (
            "-c http.extraheader=\"AUTHORIZATION: basic B64\"",
            "-c http.extraheader=\"AUTHORIZATION: basic ****\"",
        ),
        ("@{Authorization=\"token HEX40\"}", "@{Authorization=\"token ****\"}"),
        ("@{'Authorization' = 'Bearer abcdefgh'}", "@{'Authorization' = 'Bearer ****'}"),
        (
            "-d {\\\"Authorization\\\":\\\"Bearer abcdefgh\\\"}",
            "-d {\\\"Authorization\\\":\\\"Bearer ****\\\"}",
        ),
        ("r.add_header('Authorization','token HEX40')", "r.add_header('Authorization','token ****')"),
        ("h[\"Authorization\"] = \"token HEX40\"", "h[\"Authorization\"] = \"token ****\""),
        ("$h = 'Bearer ' ; 'Bearer A36'", "$h = 'Bearer ' ; 'Bearer ****'"),
        ("PRIVATE-TOKEN: abcdefgh", "PRIVATE-TOKEN: ****"),
        ("curl --header 'PRIVATE-TOKEN: glpat-A36'", "curl --header 'PRIVATE-TOKEN: glpat-****'"),
        ("@{'PRIVATE-TOKEN'='A36'}", "@{'PRIVATE-TOKEN'='****'}"),
        ("JOB-TOKEN: HEX40", "JOB-TOKEN: ****"),
        ("curl -u user:pass https://x", "curl -u user:**** https://x"),
        ("curl.exe -u user:p@ss:w/rd https://x", "curl.exe -u user:**** https://x"),
        (
            "\"C:\\Program Files\\curl\\CURL.EXE\" --user \"u:p w\" x",
            "\"C:\\Program Files\\curl\\CURL.EXE\" --user \"u:****\" x",
        ),
        ("cmd /c \"curl -sSu user:pass\"", "cmd /c \"curl -sSu user:****\""),
        ("curl -uuser:pass x", "curl -uuser:**** x"),
        ("curl --user=user:pass x", "curl --user=user:**** x"),
        ("powershell -c \"curl.exe -u 'a:b c' x\"", "powershell -c \"curl.exe -u 'a:****' x\""),
        ("curl -u \\\"a:b\\\" x", "curl -u \\\"a:****\\\" x"),
        ("curl -u ghp_A36: x", "curl -u ghp_****: x"),
        ("curl -u HEX40:x-oauth-basic x", "curl -u ****:x-oauth-basic x"),
        ("curl -u $U:hunter2 x", "curl -u $U:**** x"),
        ("curl -u $env:U:hunter2 x", "curl -u $env:U:**** x"),
        ("git push && curl -U a:b x", "git push && curl -U a:**** x"),
        ("git push https://user:pass@github.com/a/b", "git push https://user:****@github.com/a/b"),
        ("https://a:p@ss@host/x", "https://a:****@host/x"),
        ("https://x-access-token:ghs_A36@github.com/a", "https://x-access-token:ghs_****@github.com/a"),
        ("https://oauth2:glpat-A36@gitlab.com/a", "https://oauth2:glpat-****@gitlab.com/a"),
        ("https://ghp_A36@github.com/a", "https://ghp_****@github.com/a"),
        ("https://HEX40:x-oauth-basic@github.com/a", "https://****:x-oauth-basic@github.com/a"),
        ("https://ATBBA36@bitbucket.org/a", "https://ATBB****@bitbucket.org/a"),
        ("https://$env:U:hunter2@github.com/a", "https://$env:U:****@github.com/a"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIA****"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key=****"),
        ("id_token JWT.", "id_token eyJ****"),
        ("Authorization: Bearer JWT", "Authorization: Bearer eyJ****"),
        (
            "https://gitlab.com/api/v4/x?private_token=abcdefgh&y=1",
            "https://gitlab.com/api/v4/x?private_token=****&y=1",
        ),
        ("wget --user=me --password=hunter2 x", "wget --user=me --password=**** x"),
        ("curl --oauth2-bearer abcdefgh x", "curl --oauth2-bearer **** x"),
        ("tool --access-token \"HEX40\"", "tool --access-token \"****\""),
        ("$env:GH_TOKEN='HEX40'; x", "$env:GH_TOKEN='****'; x"),
        ("set GITHUB_TOKEN=HEX40", "set GITHUB_TOKEN=****"),
        ("größe ghp_A36 東京", "größe ghp_**** 東京"),
        // Read as a token only where the password after it is masked.
        ("curl -ume|token=ghp_1ttp||||||-6:x://us y", "curl -ume|token=****||||||-6:**** y"),
        // The part that a mask kept as its kind is a password by itself.
        ("/Bearer --password ghp_\"abcdefgh12345678abcdefgh", "/Bearer --password ****"),
    ] {
        let text = filled(text);
        assert_eq!(mask(&text), expected, "{text}");
        assert_eq!(mask(expected), expected, "masking again changes nothing");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "",
        "git push",
        "git push -u origin main",
        "git push -u origin main:main",
        "git push -u HEAD:refs/heads/x",
        "git push origin -u HEAD:refs/heads/x https://github.com/curl/curl.git",
        "git push https://github.com/curl/curl -u HEAD:refs/heads/x",
        "curl x & git push -u HEAD:refs/heads/x",
        "git push --force-with-lease",
        "git push --force-with-lease=main:0123456789abcdef0123456789abcdef01234567",
        "git clone git@github.com:a/b.git",
        "git clone ssh://git@github.com/a/b.git",
        "git clone https://org@dev.azure.com/org/project/_git/repo",
        "git clone https://my-organisation@dev.azure.com/x",
        "git clone https://user:@github.com/a",
        "curl -H \"Authorization: Bearer $env:TOKEN\" x",
        "curl -H \"Authorization: Bearer $TOKEN\" x",
        "curl -H \"Authorization: Bearer ${TOKEN}\" x",
        "curl -H \"Authorization: token %TOKEN%\" x",
        "curl -H \"Authorization: token ${{ secrets.GITHUB_TOKEN }}\" x",
        "curl -H \"Authorization: Basic $(cat file | base64)\" x",
        "-Headers @{Authorization=\"token $t\"}",
        "'Authorization': 'Bearer '+os.environ['GITHUB_TOKEN_FOR_2026']",
        "PRIVATE-TOKEN: $CI_JOB_TOKEN",
        "PRIVATE-TOKEN: %TOKEN%",
        "curl -u $env:TOKEN x",
        "curl -u $USER:$PASSWORD x",
        "curl -u \"$env:USER:$env:PASS\" x",
        "curl -u user:${{ secrets.X }} x",
        "curl -u user x",
        "curl -u %USER%:%PASS% x",
        "curl --url https://x -o user:pass",
        "curl -T user:pass https://x",
        "git push https://$env:TOKEN@github.com/a/b",
        "git push https://$TOKEN@github.com/a/b",
        "git push https://x-access-token:${TOKEN}@github.com/a/b",
        "git push https://x-access-token:${{ secrets.X }}@github.com/a/b",
        "git push https://user:%TOKEN%@github.com/a/b",
        "git push https://$(System.AccessToken)@dev.azure.com/a/b",
        "gh auth login --with-token < token.txt",
        "tool --token-file C:\\secrets\\token-2026-01-01.txt",
        "tool --token $TOKEN --password %PASS%",
        "docker login --password-stdin",
        "System.Data, PublicKeyToken=b77a5c561934e089",
        "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}",
        "token=6",
        "C:\\Users\\a\\AppData\\Local\\Temp\\eyJ.txt",
        "\"C:\\Program Files\\Git\\cmd\\git.exe\" push origin main",
        "sha1 0123456789abcdef0123456789abcdef01234567",
        "ghp_short glpat-short AKIA ATBB eyJ",
        "npm i @scope/package https://registry.npmjs.org/@scope/package",
        "https://host:443/path@x user@example.org",
        "use basic authentication with bearer tokens",
        "highs_and_lows_of_the_market",
        "docker run --user 1000:1000 image",
    ] {
        assert!(matches!(mask(text), Cow::Borrowed(_)), "{text} became {}", mask(text));
    }
}

#[test]
fn ranges_follow_through_mask_and_escape() {
    let text = filled("curl\t-H \"Authorization: token ghp_A36\" https://api.github.com");
    let host = text.find("api.github.com").unwrap();
    let token = text.find("ghp_").unwrap();
    let ranges = [host..host + 14, token..token + 4, token + 6..token + 9, 0..4];
    let (shown, mapped) = shown(&text, &ranges, false);
    assert_eq!(shown, "curl<U+0009>-H \"Authorization: token ghp_****\" https://api.github.com");
    let texts: Vec<&str> = mapped.iter().map(|range| &shown[range.clone()]).collect();
    assert_eq!(texts, ["api.github.com", "ghp_", "****", "curl"]);
    let (revealed, _) = super::shown(&text, &[], true);
    assert!(revealed.contains(A36));
}

#[test]
fn hostile_lines_take_linear_steps() {
    for piece in [
        "://",
        "eyJ",
        "ghp_a",
        "-u \"a:b",
        "curl -u 'a ",
        "authorization ",
        "token",
        "aA1",
        "a.b",
        "://a:b@",
        "@",
        "key=\\",
        "key=a",
        "token=\"",
        "token='\"",
        "password=\"a",
        "Authorization: \"",
        "'Authorization: ",
        "sk-a",
        "pwd=$(",
        "a:b/c@",
        "%41",
        "&amp;",
        "net use \\\\a b ",
        "auth=x,",
        "cookie: a=b; ",
        "-p\"",
        "secret:\\n",
        "ghp\"_",
        "YWJj",
        "passpass",
        "echo a|",
    ] {
        let steps_of = |times: usize| {
            let _ = steps::taken();
            let _ = mask(&format!("curl {}", piece.repeat(times)));
            steps::taken()
        };
        let (once, twice) = (steps_of(1500), steps_of(3000));
        assert!(twice <= once * 23 / 10, "{piece}: {once}, then {twice}");
    }
}

proptest! {
    #[test]
    fn a_planted_token_never_survives(
        before in "[ -~]{0,20}",
        after in "[ \"';&|)]?[ -~]{0,20}",
        body in "[A-Za-z0-9]{36}",
        kind in proptest::sample::select(vec!["ghp_", "gho_", "ghs_", "github_pat_", " glpat-"]),
    ) {
        let text = format!("{before}{kind}{body} {after}");
        let masked = mask(&text);
        prop_assert!(!masked.contains(&body), "{} became {}", text, masked);
    }

    #[test]
    fn any_text_and_range_is_safe(text in "(?s).{0,80}", start in 0_usize..90, end in 0_usize..90) {
        let ranges = [Range { start, end }, Range { start: end, end: start }];
        let (shown, mapped) = shown(&text, &ranges, false);
        for range in mapped {
            prop_assert!(shown.get(range).is_some());
        }
    }

    #[test]
    fn masking_twice_is_masking_once(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "curl ", "-u ", "user:", "pass", "https://", "@", "ghp_", "Authorization: ", "Bearer ", "token", "=", " ",
        "\"", "'", "abcdefgh12345678abcdefgh", "eyJ", ".", "/", "$env:", "--password ", "****", "PRIVATE-TOKEN:",
    ]), 0..12)) {
        let mut text = String::new();
        for piece in pieces {
            let _ = write!(text, "{piece}");
        }
        let once = mask(&text).into_owned();
        prop_assert_eq!(mask(&once), once.clone(), "from {}", text);
    }
}
