//! Secrets that are identified by their shape: the prefixes of services' tokens, which exist so that scanners find
//! them.
//!
//! The families follow GitHub's secret scanning, gitleaks and the services' own pages (November 2026). A new family is
//! a line in [`FAMILIES`], or a pattern in [`PATTERNS`] where the beginning does not identify the kind.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use regex::Regex;

use super::value::is_mixed;
use super::{Finding, MASK, compile, steps, text_at};

/// The count of bytes after a prefix that decide whether a token begins there.
const MAX_HEAD: usize = 256;

/// The alphabet of a token after its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alphabet {
    /// Letters and digits.
    Alnum,
    /// `_` too.
    Word,
    /// `-` too.
    Url,
    /// `.` and `=` too.
    Dotted,
    /// Base64 with `/` and `+`.
    Base64,
    /// All that a token may consist of: `:`, `~` and `%` too.
    Wide,
}
use Alphabet::{Alnum, Base64, Dotted, Url, Wide, Word};

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Alnum => false,
                Word => byte == b'_',
                Url => matches!(byte, b'_' | b'-'),
                Dotted => matches!(byte, b'_' | b'-' | b'.' | b'='),
                Base64 => matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-'),
                Wide => matches!(byte, b'_' | b'-' | b'.' | b'=' | b'~' | b'+' | b'/' | b':' | b'%' | b'$'),
            }
    }
}

/// Prefixes whose tokens have one format.
struct Family {
    prefixes: &'static [&'static str],
    alphabet: Alphabet,
    /// The minimum count of bytes after the prefix.
    min: usize,
    /// The minimum run of letters or digits among those bytes.
    run: usize,
    /// True if both letters and digits are required.
    is_mixed: bool,
    /// True if a letter may come directly before the prefix.
    is_strong: bool,
}

const fn family(prefixes: &'static [&'static str], alphabet: Alphabet, min: usize) -> Family {
    Family { prefixes, alphabet, min, run: 0, is_mixed: false, is_strong: false }
}

/// A prefix that may be a part of a word: the text after it has to look like a token.
const fn weak(prefixes: &'static [&'static str], alphabet: Alphabet, min: usize, run: usize) -> Family {
    Family { prefixes, alphabet, min, run, is_mixed: true, is_strong: false }
}

const fn strong(prefixes: &'static [&'static str], alphabet: Alphabet, min: usize) -> Family {
    Family { prefixes, alphabet, min, run: 0, is_mixed: false, is_strong: true }
}

/// Longer prefixes come before those that they begin with.
const FAMILIES: &[Family] = &[
    // GitHub: `ghs_` may be a JSON Web Token since 2026, after a number.
    strong(&["github_pat_"], Word, 20),
    Family {
        prefixes: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        alphabet: Dotted,
        min: 16,
        run: 16,
        is_mixed: false,
        is_strong: true,
    },
    // GitLab: personal (routable ones have dots), deploy, runner, CI job, trigger, feed, incoming mail, agent, OAuth,
    // SCIM, feature flags, workspaces.
    strong(
        &[
            "glpat-", "gldt-", "glrtr-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-",
            "gloas-", "glsoat-", "glffct-", "glwt-",
        ],
        Dotted,
        12,
    ),
    family(&["GR1348941"], Url, 16),
    family(&["_gitlab_session="], Alnum, 16),
    // Bitbucket and Atlassian.
    family(&["ATBB", "ATCTT", "ATATT", "ATSTT"], Dotted, 16),
    family(&["BBDC-"], Base64, 20),
    // Amazon.
    family(&["AKIA", "ASIA", "ABIA", "ACCA"], Alnum, 16),
    family(&["ABSK"], Base64, 60),
    family(&["bedrock-api-key-"], Base64, 20),
    // Google: API keys, OAuth access and refresh tokens, client secrets.
    family(&["AIza"], Url, 30),
    family(&["ya29."], Dotted, 20),
    family(&["GOCSPX-"], Url, 20),
    family(&["1//0"], Url, 30),
    // Slack, with the refreshable ones.
    strong(
        &[
            "xoxe.xoxb-",
            "xoxe.xoxp-",
            "xoxe-",
            "xoxb-",
            "xoxp-",
            "xoxa-",
            "xoxr-",
            "xoxs-",
            "xoxo-",
            "xoxc-",
            "xoxd-",
            "xapp-",
            "xwfp-",
        ],
        Wide,
        10,
    ),
    // Registries of packages and images.
    family(&["npm_"], Alnum, 30),
    strong(&["pypi-"], Url, 50),
    family(&["rubygems_"], Alnum, 32),
    weak(&["oy2"], Alnum, 40, 40),
    weak(&["cio"], Alnum, 32, 32),
    family(&["CLOJARS_"], Alnum, 40),
    family(&["packagist_ort_", "packagist_ack_", "packagist_uut_", "packagist_orw_"], Alnum, 30),
    strong(&["dckr_pat_", "dckr_oat_"], Url, 20),
    weak(&["AKCp"], Alnum, 60, 60),
    weak(&["cmVmd"], Alnum, 50, 50),
    // Payment.
    family(&["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_", "whsec_"], Base64, 10),
    family(&["sq0atp-", "sq0csp-", "sq0idp-"], Url, 20),
    family(&["shpat_", "shpca_", "shppa_", "shpss_", "shpua_", "shptka_"], Alnum, 24),
    family(&["access-sandbox-", "access-development-", "access-production-"], Url, 30),
    family(&["access_token$production$", "access_token$sandbox$"], Wide, 20),
    family(&["FLWSECK_TEST-", "FLWSECK-"], Url, 12),
    family(&["rzp_live_", "rzp_test_"], Alnum, 12),
    family(&["EZAK", "EZTK"], Alnum, 40),
    family(&["shippo_live_", "shippo_test_"], Alnum, 30),
    family(&["duffel_live_", "duffel_test_"], Dotted, 30),
    weak(&["EAAA"], Url, 22, 0),
    // Models.
    family(
        &["sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-ort01-", "sk-ant-sid01-", "sk-ant-"],
        Url,
        16,
    ),
    family(&["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", "sk-or-v1-", "sk-or-", "sk-lf-"], Url, 16),
    weak(&["sk-"], Url, 20, 16),
    weak(&["sess-"], Alnum, 30, 30),
    family(&["hf_", "api_org_"], Alnum, 30),
    family(&["gsk_"], Alnum, 30),
    family(&["xai-"], Alnum, 30),
    family(&["pplx-"], Alnum, 30),
    family(&["r8_"], Alnum, 30),
    family(&["nvapi-"], Url, 30),
    family(&["pcsk_"], Word, 30),
    family(&["lsv2_pt_", "lsv2_sk_"], Word, 30),
    family(&["tvly-"], Url, 20),
    family(&["jina_"], Word, 30),
    weak(&["fw_"], Alnum, 20, 20),
    weak(&["sk_"], Alnum, 32, 32),
    // Mail and messages.
    family(&["SG."], Dotted, 40),
    weak(&["key-"], Alnum, 32, 32),
    family(&["xkeysib-", "xsmtpsib-"], Url, 30),
    weak(&["re_"], Word, 24, 8),
    // Clouds, hosting and delivery.
    family(&["dop_v1_", "doo_v1_", "dor_v1_"], Alnum, 30),
    family(&["CCIPAT_", "CCIPRJ_"], Word, 20),
    family(&["bkua_"], Alnum, 30),
    family(&["nfp_"], Alnum, 30),
    family(&["HRKU-"], Url, 20),
    weak(&["rnd_"], Alnum, 24, 24),
    family(&["fo1_", "fm1a_", "fm1r_", "fm2_"], Base64, 30),
    family(&["LTAI"], Alnum, 16),
    weak(&["AKID"], Alnum, 30, 30),
    family(&["AQVN"], Url, 30),
    family(&["y0_Ag", "y0__"], Url, 30),
    family(&["tk-us-"], Url, 40),
    family(&["ntn_"], Alnum, 30),
    weak(&["secret_"], Alnum, 40, 40),
    weak(&["vcp_", "vci_", "vca_", "vcr_", "vck_"], Alnum, 24, 24),
    // Data and watching.
    weak(&["dapi", "dkea", "dose"], Alnum, 32, 32),
    family(&["glc_", "glsa_"], Base64, 30),
    family(&["NRAK-", "NRII-", "NRJS-", "NRRA-", "NRIQ-"], Url, 16),
    family(&["sntrys_", "sntryu_", "sntryi_"], Base64, 30),
    family(&["hcaik_"], Alnum, 30),
    family(&["dt0c01.", "dt0s01.", "dt0s16."], Dotted, 30),
    family(&["phx_", "phs_"], Alnum, 30),
    family(&["PMAK-"], Url, 30),
    family(&["rdme_"], Alnum, 40),
    family(&["squ_", "sqp_", "sqa_"], Alnum, 30),
    family(&["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], Dotted, 24),
    family(&["sbp_", "sb_secret_"], Word, 24),
    family(&["napi_"], Alnum, 30),
    family(&["mdb_sa_sk_"], Url, 20),
    family(&["essu_"], Base64, 30),
    // Vaults and infrastructure.
    family(&["hvs.", "hvb.", "hvr."], Url, 20),
    weak(&["s."], Alnum, 24, 24),
    family(&["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], Dotted, 30),
    family(&["ops_eyJ"], Base64, 40),
    family(&["pul-"], Alnum, 30),
    family(&["tskey-"], Url, 16),
    family(&["sha256~"], Url, 30),
    family(&["AGE-SECRET-KEY-1"], Alnum, 30),
    family(&["dnkey-"], Dotted, 40),
    family(&["API-"], Alnum, 25),
    family(&["pnu_"], Alnum, 30),
    family(&["ico-"], Alnum, 30),
    // Work and the rest.
    family(&["lin_api_", "lin_oauth_"], Alnum, 30),
    family(&["figd_", "figu_"], Url, 20),
    family(&["CFPAT-"], Url, 30),
    family(&["sl.u.", "sl."], Url, 100),
    family(&["pat-na1-", "pat-eu1-"], Url, 30),
    family(&["tfp_"], Dotted, 40),
    family(&["fio-u-"], Dotted, 40),
    family(&["sgp_"], Word, 30),
    family(&["p8e-"], Alnum, 28),
    family(&["sm_aat_", "sm_pat_", "sm_sat_"], Alnum, 16),
    family(&["EAAC", "EAAM", "EAAG", "EAAB"], Alnum, 60),
    family(&["IGQV", "IGAA"], Url, 60),
    family(&["sk.eyJ", "tk.eyJ"], Dotted, 30),
    family(&["s-s4t2ud-", "s-s4t2af-"], Alnum, 40),
    family(&["LCID"], Base64, 200),
];

/// Finds a prefix: all of them at once, in the order of the families.
static PREFIXES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = FAMILIES.iter().flat_map(|family| family.prefixes);
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(all)
        .ok()
});

/// A secret whose kind no prefix identifies. `s` is the secret; `k` comes before it, where it stays.
struct Pattern {
    /// Literals of which a text must hold one, in lower case; empty where the text's shape alone decides.
    needs: &'static [&'static str],
    /// The minimum run of letters and digits in the text.
    run: usize,
    compiled: LazyLock<Option<Regex>>,
}

macro_rules! pattern {
    ($needs:expr, $run:expr, $pattern:expr) => {
        Pattern { needs: $needs, run: $run, compiled: LazyLock::new(|| compile($pattern)) }
    };
}

static PATTERNS: [Pattern; 22] = [
    // JSON Web Tokens, encrypted ones included, and as they look in base64 within base64.
    pattern!(
        &["eyj"],
        0,
        r"(?:(?-u:\b)|_)(?P<k>eyJ)(?P<s>[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3})"
    ),
    // Azure DevOps: the signed forms, and the older one where it is the password of an empty name.
    pattern!(&["azdo"], 84, r"(?-u:\b)(?P<s>[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})(?-u:\b)"),
    pattern!(&["jqqj99"], 66, r"(?-u:\b)(?P<s>[A-Za-z0-9]{40,64}JQQJ99[A-Za-z0-9]{20,40})(?-u:\b)"),
    pattern!(&[], 52, r"(?P<k>:)(?P<s>[a-z2-7]{52})(?-u:\b)"),
    // Azure: client secrets, keys of accounts, keys that can be identified.
    pattern!(&["q~"], 0, r"(?:^|[^A-Za-z0-9_~.-])(?P<s>[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"),
    pattern!(&[], 24, r"(?:^|[^A-Za-z0-9+/])(?P<s>[A-Za-z0-9+/]{86}==)"),
    pattern!(
        &[
            "azse", "azca", "acdb", "apim", "aiot", "+ast", "+acr", "+arm", "+aba", "+amc", "+asb", "+aeh",
            "azfu"
        ],
        0,
        r"(?:^|[^A-Za-z0-9+/])(?P<s>[A-Za-z0-9+/]{32,76}(?:AzSe|AzCa|AzFu|ACDb|APIM|AIoT|\+ASt|\+ACR|\+ARm|\+ABa|\+AMC|\+ASb|\+AEh)[A-Za-z0-9+/]{4,12}={0,2})"
    ),
    // Private keys: all of the block, or all that is there of it.
    pattern!(
        &["private key"],
        0,
        r"(?s)(?P<k>-----BEGIN[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(?P<s>.*?[A-Za-z0-9+/=].*?)(?:-----END|\z)"
    ),
    // Webhooks, whose path is the secret.
    pattern!(
        &["hooks.slack.com/"],
        0,
        r"hooks\.slack\.com/(?P<k>(?:services|workflows|triggers)/)(?P<s>[A-Za-z0-9+/_-]{16,})"
    ),
    pattern!(&["/api/webhooks/"], 0, r"/api/webhooks/(?P<k>[0-9]{5,}/)(?P<s>[A-Za-z0-9_-]{16,})"),
    pattern!(
        &["webhook.office.com/"],
        0,
        r"webhook\.office\.com/(?P<k>webhookb2/)(?P<s>[A-Za-z0-9@/_-]{36,})"
    ),
    pattern!(
        &["hooks.zapier.com/"],
        0,
        r"hooks\.zapier\.com/(?P<k>hooks/catch/[0-9]+/)(?P<s>[A-Za-z0-9]{5,})"
    ),
    pattern!(
        &["maker.ifttt.com/"],
        0,
        r"maker\.ifttt\.com/[A-Za-z0-9_./-]{1,80}?(?P<k>key/)(?P<s>[A-Za-z0-9_-]{12,})"
    ),
    // Bots of Telegram and Discord.
    pattern!(&[":aa"], 8, r"(?:(?-u:\b)|bot)(?P<s>[0-9]{8,12}:AA[A-Za-z0-9_-]{30,36})(?:[^A-Za-z0-9_-]|$)"),
    pattern!(
        &[],
        24,
        r"(?-u:\b)(?P<s>[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})(?:[^A-Za-z0-9_-]|$)"
    ),
    // Terraform Cloud, Airtable, Harness, Mailchimp, MaxMind, Cloudflare's origin keys, Twilio.
    pattern!(&[".atlasv1."], 0, r"(?-u:\b)(?P<s>[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,})"),
    pattern!(
        &[],
        20,
        r"(?-u:\b)(?P<k>pat|[ps]at\.)(?P<s>[A-Za-z0-9]{14}\.[a-f0-9]{64}|[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20})(?-u:\b)"
    ),
    pattern!(&[], 32, r"(?-u:\b)(?P<s>[a-f0-9]{32}-us[0-9]{1,2})(?-u:\b)"),
    pattern!(&[], 29, r"(?-u:\b)(?P<s>[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)(?-u:\b)"),
    pattern!(&["v1.0-"], 0, r"(?-u:\b)(?P<k>v1\.0-)(?P<s>[a-f0-9]{24}-[a-f0-9]{100,})"),
    pattern!(&[], 32, r"(?-u:\b)(?P<k>SK)(?P<s>[a-f0-9]{32})(?-u:\b)"),
    // GitHub's tokens written backwards.
    pattern!(
        &["_phg", "_ohg", "_uhg", "_shg", "_rhg"],
        0,
        r"(?-u:\b)(?P<s>[A-Za-z0-9]{20,})_[pousr]hg(?-u:\b)"
    ),
];

/// Returns whether `text` is a mask, with no more before it than masks keep.
pub(super) fn is_masked(text: &str) -> bool {
    let Some(kind) = text.strip_suffix(MASK) else { return false };
    kind.is_empty()
        || matches!(kind, "eyJ" | ":" | "pat" | "pat." | "sat." | "SK" | "v1.0-")
        || FAMILIES.iter().any(|family| family.prefixes.contains(&kind))
}

/// The longest run of letters and digits in a text.
fn longest_run(text: &str) -> usize {
    text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric()).map(<[u8]>::len).max().unwrap_or(0)
}

fn has_run(text: &str, min: usize) -> bool {
    min == 0 || longest_run(text) >= min
}

/// The literals of which a text must hold one for any pattern to match.
pub(super) fn needs() -> impl Iterator<Item = &'static str> {
    PATTERNS.iter().flat_map(|rule| rule.needs).copied()
}

/// Finds secrets by their shape. `lower` is the text in lower case; `None` if the text lacks the literals of all
/// patterns.
pub(super) fn find(text: &str, lower: Option<&str>, findings: &mut Vec<Finding>) {
    find_prefixed(text, findings);
    let longest = longest_run(text);
    for rule in PATTERNS.iter().filter(|rule| longest >= rule.run) {
        let may = rule.needs.is_empty()
            || lower.is_some_and(|lower| rule.needs.iter().any(|needed| lower.contains(needed)));
        let Some(pattern) = rule.compiled.as_ref().filter(|_| may) else { continue };
        for found in pattern.captures_iter(text) {
            if let Some(secret) = found.name("s").filter(|secret| !secret.as_str().starts_with(MASK)) {
                let start = found.name("k").map_or(secret.start(), |kind| kind.start());
                findings.push(Finding { range: start..secret.end(), kept: secret.start() - start });
            }
        }
    }
}

fn find_prefixed(text: &str, findings: &mut Vec<Finding>) {
    let Some(prefixes) = PREFIXES.as_ref() else { return };
    let mut from = 0;
    while let Some(hit) = prefixes.find(Input::new(text).span(from..text.len())) {
        from = match token_at(text, &hit.range()) {
            Some(finding) => {
                let end = finding.range.end;
                findings.push(finding);
                end
            }
            None => hit.start() + 1,
        };
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
}

/// The token after a prefix.
fn token_at(text: &str, prefix: &Range<usize>) -> Option<Finding> {
    let before = prefix.start.checked_sub(1).and_then(|at| text.as_bytes().get(at)).copied();
    let written = text.get(prefix.clone())?;
    let rest = text_at(text, prefix.end).as_bytes();
    FAMILIES.iter().filter(|family| family.prefixes.contains(&written)).find_map(|family| {
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric()) && !family.is_strong {
            return None;
        }
        let length_of =
            |max: usize| rest.iter().take(max).take_while(|byte| family.alphabet.has(**byte)).count();
        // A token is refused by its first bytes: a chain of prefixes would take quadratic time otherwise.
        let head = text.get(prefix.end..prefix.end + length_of(MAX_HEAD))?;
        if !(head.len() >= family.min && has_run(head, family.run) && (!family.is_mixed || is_mixed(head))) {
            return None;
        }
        let mut length = length_of(usize::MAX);
        steps::count(length);
        // The end of a sentence, a URL's next part, or padding is no part of it.
        while length > 0 && rest.get(length - 1).is_some_and(|byte| matches!(byte, b'.' | b'/' | b':' | b'%'))
        {
            length -= 1;
        }
        (length >= family.min)
            .then(|| Finding { range: prefix.start..prefix.end + length, kept: prefix.len() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_compile() {
        assert!(PREFIXES.is_some());
        assert!(PATTERNS.iter().all(|rule| rule.compiled.is_some()));
    }

    #[test]
    fn no_prefix_hides_a_longer_one() {
        let all: Vec<&str> = FAMILIES.iter().flat_map(|family| family.prefixes).copied().collect();
        for (at, longer) in all.iter().enumerate() {
            let hiding = all.iter().take(at).find(|shorter| longer.starts_with(**shorter));
            assert_eq!(hiding, None, "{longer}");
        }
    }

    #[test]
    fn each_family_is_found() {
        let body = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5".repeat(8);
        for family in FAMILIES {
            for prefix in family.prefixes {
                let secret = &body[..family.min.max(family.run).max(16)];
                let text = format!("tool {prefix}{secret} next");
                let mut findings = Vec::new();
                find(&text, None, &mut findings);
                let found = findings.iter().any(|finding| text[finding.range.clone()].ends_with(secret));
                assert!(found, "{text}");
                assert!(is_masked(&format!("{prefix}{MASK}")));
            }
        }
    }
}
