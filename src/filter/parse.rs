//! From a line to a tree: one pass, with the column of the first fault.

use crate::model::text::nearest;

use super::needle::{Mode, Needle, Period};
use super::{Comparison, FilterError, FilterField, Kind, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Node};

/// The operators; longer ones before their own starts.
const OPERATORS: [&str; 8] = ["!=", ">=", "<=", ":", "=", "~", ">", "<"];

pub(super) fn parse(text: &str) -> Result<Option<Node>, FilterError> {
    let characters: Vec<char> = text.chars().take(MAX_LENGTH + 1).collect();
    if characters.len() > MAX_LENGTH {
        return Err(fault(MAX_LENGTH, format!("A filter may have at most {MAX_LENGTH} characters.")));
    }
    let mut parser = Parser { characters: &characters, at: 0, terms: 0 };
    parser.skip_blanks();
    if parser.peek().is_none() {
        return Ok(None);
    }
    let node = parser.alternatives(0)?;
    match parser.peek() {
        Some(_) => Err(fault(parser.at, "This parenthesis closes nothing.")),
        None => Ok(Some(node)),
    }
}

/// Returns whether the end of the text is inside quotes.
pub(super) fn is_inside_quotes(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut parser = Parser { characters: &characters, at: 0, terms: 0 };
    loop {
        while parser.peek().is_some_and(|c| c.is_whitespace() || matches!(c, '!' | '(' | ')')) {
            parser.at += 1;
        }
        if parser.peek().is_none() {
            return false;
        }
        if let Some((_, _, length)) = parser.field_and_operator() {
            parser.at += length;
        }
        if parser.peek() == Some('"') {
            if parser.quoted().is_err() {
                return true;
            }
        } else {
            parser.bare();
        }
    }
}

/// A word as field, operator and value; `None` if it is not a term of a known field.
pub(super) fn split_term(word: &str) -> Option<(FilterField, &'static str, &str)> {
    let name_end = word.find(|c: char| !is_name(c))?;
    let (name, rest) = word.split_at(name_end);
    let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator))?;
    Some((FilterField::from_name(name)?, operator, rest.get(operator.len()..)?))
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn fault(column: usize, message: impl Into<String>) -> FilterError {
    FilterError { column, message: message.into() }
}

/// Nodes of one kind in one list, so that the shown form parses to the same tree.
pub(super) fn all(nodes: Vec<Node>) -> Node {
    let mut flat = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::All(inner) => flat.extend(inner),
            node => flat.push(node),
        }
    }
    single(flat, Node::All)
}

pub(super) fn any(nodes: Vec<Node>) -> Node {
    let mut flat = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Any(inner) => flat.extend(inner),
            node => flat.push(node),
        }
    }
    single(flat, Node::Any)
}

fn single(mut nodes: Vec<Node>, list: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        Some(top) => {
            nodes.push(top);
            list(nodes)
        }
        None => list(nodes),
    }
}

struct Parser<'a> {
    characters: &'a [char],
    at: usize,
    terms: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Takes the bare word `keyword` if it comes next, and returns whether it did.
    fn take_keyword(&mut self, keyword: &str) -> bool {
        let length = keyword.len();
        let stands_here = self
            .characters
            .get(self.at..self.at + length)
            .is_some_and(|word| word.iter().copied().eq(keyword.chars()));
        let ends_here = match self.characters.get(self.at + length) {
            None => true,
            Some(next) => next.is_whitespace() || matches!(next, '(' | ')'),
        };
        let is_keyword = stands_here && ends_here;
        if is_keyword {
            self.at += length;
            self.skip_blanks();
        }
        is_keyword
    }

    fn alternatives(&mut self, depth: usize) -> Result<Node, FilterError> {
        let mut nodes = vec![self.sequence(depth)?];
        while self.take_keyword("OR") {
            if matches!(self.peek(), None | Some(')')) {
                return Err(fault(self.at, "A term is missing after `OR`."));
            }
            nodes.push(self.sequence(depth)?);
        }
        Ok(any(nodes))
    }

    fn sequence(&mut self, depth: usize) -> Result<Node, FilterError> {
        let mut nodes = Vec::new();
        loop {
            let start = self.at;
            if matches!(self.peek(), None | Some(')')) {
                break;
            }
            if self.take_keyword("AND") {
                if nodes.is_empty() || matches!(self.peek(), None | Some(')')) {
                    return Err(fault(
                        start,
                        "`AND` stands between two terms; the word itself needs quotes.",
                    ));
                }
                continue;
            }
            let mut ahead = Self { ..*self };
            if ahead.take_keyword("OR") {
                if nodes.is_empty() {
                    return Err(fault(start, "`OR` stands between two terms; the word itself needs quotes."));
                }
                break;
            }
            nodes.push(self.negation(depth)?);
            self.skip_blanks();
        }
        if nodes.is_empty() {
            return Err(fault(self.at, "A term is missing here."));
        }
        Ok(all(nodes))
    }

    fn negation(&mut self, depth: usize) -> Result<Node, FilterError> {
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(fault(start, format!("Parentheses and `!` may stand at most {MAX_DEPTH} deep.")));
        }
        match self.peek() {
            Some('!') => {
                self.at += 1;
                self.skip_blanks();
                if matches!(self.peek(), None | Some(')')) {
                    return Err(fault(start, "A term is missing after `!`."));
                }
                Ok(Node::Not(Box::new(self.negation(depth + 1)?)))
            }
            Some('(') => {
                self.at += 1;
                self.skip_blanks();
                match self.peek() {
                    None => return Err(fault(start, "This parenthesis is never closed.")),
                    Some(')') => return Err(fault(start, "There is nothing between these parentheses.")),
                    Some(_) => {}
                }
                let node = self.alternatives(depth + 1)?;
                if self.peek() != Some(')') {
                    return Err(fault(start, "This parenthesis is never closed."));
                }
                self.at += 1;
                Ok(node)
            }
            _ => self.term(),
        }
    }

    fn term(&mut self) -> Result<Node, FilterError> {
        let start = self.at;
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(fault(start, format!("A filter may have at most {MAX_TERMS} terms.")));
        }
        if self.peek() == Some('"') {
            let text = self.quoted()?;
            return word(&text, start);
        }
        let Some((name, operator, length)) = self.field_and_operator() else {
            let text = self.bare();
            return word(&text, start);
        };
        let Some(field) = FilterField::from_name(&name) else {
            let after = self.characters.get(self.at + length).copied();
            // `C:\Users` and `https://github.com` are words.
            if operator == ":" && matches!(after, Some('/' | '\\')) {
                let text = self.bare();
                return word(&text, start);
            }
            let names = FilterField::ALL.iter().flat_map(|field| field.names());
            let meant =
                nearest(&name, names).map_or(String::new(), |near| format!("; did you mean `{near}`"));
            let end = if meant.is_empty() { "." } else { "?" };
            return Err(fault(
                start,
                format!(
                    "There is no field `{name}`{meant}{end} To look for the text itself, put it in quotes."
                ),
            ));
        };
        self.at += length;
        let value_at = self.at;
        let is_quoted = self.peek() == Some('"');
        let value = if is_quoted { self.quoted()? } else { self.bare() };
        if value.is_empty() && !is_quoted {
            return Err(fault(value_at, format!("A value is missing after `{name}{operator}`.")));
        }
        compare(field, operator, &value, value_at - length, value_at)
    }

    /// The name and the operator that come next, and their length in characters.
    fn field_and_operator(&self) -> Option<(String, &'static str, usize)> {
        let rest = self.characters.get(self.at..)?;
        let name: String = rest.iter().take_while(|c| is_name(**c)).collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let after = rest.get(name.len()..)?;
        let operator = OPERATORS.into_iter().find(|operator| {
            after.get(..operator.len()).is_some_and(|signs| signs.iter().copied().eq(operator.chars()))
        })?;
        let length = name.len() + operator.len();
        Some((name, operator, length))
    }

    /// Up to a blank, or to a parenthesis that was not opened in the word.
    fn bare(&mut self) -> String {
        let mut text = String::new();
        let mut open = 0_usize;
        while let Some(character) = self.peek().filter(|c| !c.is_whitespace()) {
            match character {
                '(' => open += 1,
                ')' => match open.checked_sub(1) {
                    Some(left) => open = left,
                    None => break,
                },
                _ => {}
            }
            text.push(character);
            self.at += 1;
        }
        text
    }

    /// The text in the quotes that open here.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        while let Some(character) = self.peek() {
            self.at += 1;
            match (character, self.peek()) {
                ('\\', Some(escaped @ ('"' | '\\'))) => {
                    text.push(escaped);
                    self.at += 1;
                }
                ('"', None) => return Ok(text),
                ('"', Some(next)) if next.is_whitespace() || next == ')' => return Ok(text),
                ('"', Some(_)) => {
                    return Err(fault(
                        self.at,
                        "A blank is missing after the closing quote (a quote inside is `\\\"`).",
                    ));
                }
                (character, _) => text.push(character),
            }
        }
        Err(fault(start, "This quote is never closed (a backslash before the closing one must be doubled)."))
    }
}

fn word(text: &str, column: usize) -> Result<Node, FilterError> {
    Needle::new(text, Mode::Contains)
        .map(Node::Word)
        .map_err(|reason| fault(column, format!("This word cannot be searched for: {reason}.")))
}

fn compare(
    field: FilterField,
    operator: &str,
    value: &str,
    column: usize,
    value_column: usize,
) -> Result<Node, FilterError> {
    let name = field.name();
    let comparison = match operator {
        ":" | "=" => Some(Comparison::Equal),
        "!=" => Some(Comparison::NotEqual),
        "<" => Some(Comparison::Less),
        "<=" => Some(Comparison::LessOrEqual),
        ">" => Some(Comparison::Greater),
        ">=" => Some(Comparison::GreaterOrEqual),
        _ => None,
    };
    match (field.kind(), operator, comparison) {
        (Kind::Text, ":" | "=" | "~" | "!=", _) => {
            let mode = match operator {
                ":" => Mode::Contains,
                "~" => Mode::Matches,
                _ => Mode::Equals,
            };
            let needle = Needle::new(value, mode).map_err(|reason| {
                fault(value_column, format!("After `{name}~` stands no regular expression: {reason}."))
            })?;
            Ok(Node::Text { field, is_negated: operator == "!=", needle })
        }
        (Kind::Text, ..) => Err(fault(
            column,
            format!("`{name}` holds text: it takes `:`, `=`, `~` and `!=`, not `{operator}`."),
        )),
        (_, _, None) => Err(fault(
            column,
            format!("`{name}` holds no text: it takes `=`, `!=`, `<`, `<=`, `>` and `>=`, not `{operator}`."),
        )),
        (Kind::Time, _, Some(comparison)) => match Period::parse(value) {
            Some(period) => Ok(Node::Time { comparison, period }),
            None => Err(fault(
                value_column,
                format!(
                    "`{value}` is no time: write `2026-03-10T12:30`, or as much of it from the left as you know."
                ),
            )),
        },
        (Kind::Number | Kind::Flag, _, Some(comparison)) => {
            let is_flag = field.kind() == Kind::Flag;
            let value_number = match value.to_ascii_lowercase().as_str() {
                "true" | "yes" if is_flag => Some(1),
                "false" | "no" if is_flag => Some(0),
                _ => value.parse::<i64>().ok(),
            };
            match value_number {
                Some(value) => Ok(Node::Number { field, comparison, value }),
                None => Err(fault(
                    value_column,
                    format!("`{name}` is compared with a whole number, and `{value}` is none."),
                )),
            }
        }
    }
}
