//! Classes of characters.

use regex_syntax::ast::{self, ClassAsciiKind, ClassPerlKind, ClassSet, ClassSetItem, ClassUnicodeKind};
use regex_syntax::hir::{self, HirKind};

use super::{Dialect, Refusal, Writer, character};

/// `\d` of all scripts.
pub(super) const DIGITS: &str = r"\p{Nd}";
/// `\D`.
pub(super) const NO_DIGITS: &str = r"\P{Nd}";
/// `\s` of all scripts, inside of a class.
pub(super) const SPACES: &str = r"\x{9}-\x{D}\x{85}\p{Z}";
/// `\w` of all scripts, inside of a class: letters, marks, digits, connectors, joiners and circled letters.
pub(super) const WORDS: &str = r"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}";
/// General categories that are the same everywhere.
const CATEGORIES: [&str; 33] = [
    "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe",
    "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs", "Cc", "Cf",
];

/// Ranges of an ASCII class.
pub(super) const fn ascii(kind: &ClassAsciiKind) -> &'static [(char, char)] {
    match kind {
        ClassAsciiKind::Alnum => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        ClassAsciiKind::Alpha => &[('A', 'Z'), ('a', 'z')],
        ClassAsciiKind::Ascii => &[('\0', '\x7f')],
        ClassAsciiKind::Blank => &[('\t', '\t'), (' ', ' ')],
        ClassAsciiKind::Cntrl => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        ClassAsciiKind::Digit => &[('0', '9')],
        ClassAsciiKind::Graph => &[('!', '~')],
        ClassAsciiKind::Lower => &[('a', 'z')],
        ClassAsciiKind::Print => &[(' ', '~')],
        ClassAsciiKind::Punct => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        ClassAsciiKind::Space => &[('\t', '\r'), (' ', ' ')],
        ClassAsciiKind::Upper => &[('A', 'Z')],
        ClassAsciiKind::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ClassAsciiKind::Xdigit => &[('0', '9'), ('A', 'F'), ('a', 'f')],
    }
}

/// Whether a class holds `\d`, `\w` or `\s`.
pub(super) fn holds_perl(set: &ClassSet) -> bool {
    fn in_item(item: &ClassSetItem) -> bool {
        match item {
            ClassSetItem::Perl(_) => true,
            ClassSetItem::Bracketed(class) => holds_perl(&class.kind),
            ClassSetItem::Union(union) => union.items.iter().any(in_item),
            _ => false,
        }
    }
    match set {
        ClassSet::Item(item) => in_item(item),
        ClassSet::BinaryOp(operation) => holds_perl(&operation.lhs) || holds_perl(&operation.rhs),
    }
}

/// Whether a class that is not negated holds nothing but ASCII letters, digits and `_`.
pub(super) fn is_of_ascii_words(set: &ClassSet) -> bool {
    fn in_item(item: &ClassSetItem) -> bool {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match item {
            ClassSetItem::Literal(literal) => is_word(literal.c),
            ClassSetItem::Range(range) => {
                let (start, end) = (range.start.c, range.end.c);
                start.is_ascii_digit() && end.is_ascii_digit()
                    || start.is_ascii_lowercase() && end.is_ascii_lowercase()
                    || start.is_ascii_uppercase() && end.is_ascii_uppercase()
            }
            ClassSetItem::Perl(class) => !class.negated && class.kind != ClassPerlKind::Space,
            ClassSetItem::Union(union) => !union.items.is_empty() && union.items.iter().all(in_item),
            _ => false,
        }
    }
    matches!(set, ClassSet::Item(item) if in_item(item))
}

/// The parts of a class without operators; `None` where it has some.
pub(super) fn items(class: &ast::ClassBracketed) -> Option<&[ClassSetItem]> {
    match &class.kind {
        ClassSet::Item(ClassSetItem::Union(union)) => Some(&union.items),
        ClassSet::Item(item) => Some(std::slice::from_ref(item)),
        ClassSet::BinaryOp(_) => None,
    }
}

/// Returns a class with operators or nested classes as a flat class, where that is short.
pub(super) fn spelled_out(text: &str) -> String {
    const MAX_RANGES: usize = 12;
    let plain = regex_syntax::Parser::new().parse(text).ok().and_then(|hir| match hir.kind() {
        HirKind::Class(hir::Class::Unicode(class)) if class.ranges().len() <= MAX_RANGES => {
            let mut plain = String::from("[");
            for range in class.ranges() {
                in_class(Dialect::Kusto, range.start(), &mut plain);
                if range.start() != range.end() {
                    plain.push('-');
                    in_class(Dialect::Kusto, range.end(), &mut plain);
                }
            }
            plain.push(']');
            Some(plain)
        }
        HirKind::Literal(literal) => {
            let c = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            let mut plain = String::from("[");
            in_class(Dialect::Kusto, c, &mut plain);
            plain.push(']');
            Some(plain)
        }
        _ => None,
    });
    match plain {
        Some(plain) => format!("write `{plain}`"),
        None => "write one class, without `&&`, `--`, `~~` and classes inside it".to_owned(),
    }
}

/// `\p{Lu}` and `\P{Lu}`: a general category that means the same everywhere.
pub(super) fn category(writer: &Writer<'_>, class: &ast::ClassUnicode) -> Result<String, Refusal> {
    const ADVICE: &str = "write a general category by its short name, such as `\\p{L}` or `\\p{Nd}`, or the characters themselves";
    if writer.dialect == Dialect::Sigma {
        return writer
            .source
            .refuse(&class.span, "it is not known everywhere; write the characters themselves");
    }
    let name = match &class.kind {
        ClassUnicodeKind::OneLetter(letter) => letter.to_string(),
        ClassUnicodeKind::Named(name) => name.clone(),
        ClassUnicodeKind::NamedValue { .. } => String::new(),
    };
    let depends_on_case = matches!(&*name, "Ll" | "Lu" | "Lt");
    if !CATEGORIES.contains(&&*name) || (depends_on_case && writer.ignores_case) {
        return writer.source.refuse(&class.span, ADVICE);
    }
    let sign = if class.is_negated() { 'P' } else { 'p' };
    Ok(format!("\\{sign}{{{name}}}"))
}

/// Writes a class in brackets.
pub(super) fn bracketed(writer: &mut Writer<'_>, class: &ast::ClassBracketed) -> Result<(), Refusal> {
    let source = writer.source;
    let Some(items) = items(class) else {
        return source.refuse(&class.span, spelled_out(source.piece(&class.span)));
    };
    let dialect = writer.dialect;
    let mut inside = String::new();
    // `\W` and `\S` of all scripts are the complements of several categories: an alternative of their own.
    let mut complements = Vec::new();
    for (number, item) in items.iter().enumerate() {
        match item {
            ClassSetItem::Empty(_) => {}
            ClassSetItem::Literal(literal) => {
                // At its ends a dash is one.
                if literal.c == '-' && literal.kind == ast::LiteralKind::Verbatim && number == 0 {
                    inside.push('-');
                } else {
                    in_class(dialect, literal.c, &mut inside);
                }
            }
            ClassSetItem::Range(range) => {
                in_class(dialect, range.start.c, &mut inside);
                inside.push('-');
                in_class(dialect, range.end.c, &mut inside);
            }
            ClassSetItem::Ascii(class) if class.negated => {
                return source
                    .refuse(&class.span, "write the other characters, or a class of its own: `[^A-Za-z]`");
            }
            ClassSetItem::Ascii(class) => {
                for (start, end) in ascii(&class.kind) {
                    in_class(dialect, *start, &mut inside);
                    if start != end {
                        inside.push('-');
                        in_class(dialect, *end, &mut inside);
                    }
                }
            }
            ClassSetItem::Unicode(class) => inside.push_str(&category(writer, class)?),
            ClassSetItem::Perl(class) if !dialect.is_exact() => inside.push_str(source.piece(&class.span)),
            ClassSetItem::Perl(class) => match (&class.kind, class.negated) {
                (ClassPerlKind::Digit, false) => inside.push_str(DIGITS),
                (ClassPerlKind::Digit, true) => inside.push_str(NO_DIGITS),
                (ClassPerlKind::Space, false) => inside.push_str(SPACES),
                (ClassPerlKind::Word, false) => inside.push_str(WORDS),
                (ClassPerlKind::Space, true) => complements.push((SPACES, class.span)),
                (ClassPerlKind::Word, true) => complements.push((WORDS, class.span)),
            },
            ClassSetItem::Bracketed(_) | ClassSetItem::Union(_) => {
                return source.refuse(&class.span, spelled_out(source.piece(&class.span)));
            }
        }
    }
    let not = if class.negated { "^" } else { "" };
    if complements.is_empty() {
        writer.out.extend(["[", not, &inside, "]"]);
        return Ok(());
    }
    if let Some((_, span)) = complements.first().filter(|_| class.negated) {
        return source.refuse(span, "write the characters that are meant, not those that are not");
    }
    writer.out.push_str("(?:");
    if !inside.is_empty() {
        writer.out.extend(["[", &inside, "]|"]);
    }
    for (number, (complement, _)) in complements.iter().enumerate() {
        writer.out.extend([if number > 0 { "|[^" } else { "[^" }, complement, "]"]);
    }
    writer.out.push(')');
    Ok(())
}

/// A character inside of a class.
fn in_class(dialect: Dialect, c: char, out: &mut String) {
    if r"\[]^-&~".contains(c) {
        out.extend(['\\', c]);
    } else {
        character(dialect, c, out);
    }
}
