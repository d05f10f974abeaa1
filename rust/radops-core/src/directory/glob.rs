//! Patterns of paths within a directory. The rules are those of `radops.format.pattern`.

use super::error::{Error, Result};
use super::reader::Directory;
use crate::tree::Entry;
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use std::collections::HashSet;
use std::fmt::Write;

/// Memory that compiled patterns may take, in bytes: thousands of them.
const MOST_MEMORY: usize = 64 << 20;

/// Patterns: `*` and `?` stay within a name, `**` goes over folders, `[...]` is one of some
/// characters. A path matches if it, or a folder that it is in, matches one of them.
pub struct Patterns {
    /// Those without wildcards, of which there can be very many.
    names: HashSet<String>,
    /// All others.
    wild: Option<Regex>,
    /// What paths that match begin with: sorted, none the beginning of another.
    prefixes: Vec<String>,
}

impl Patterns {
    /// Compile patterns; none at all match every path.
    ///
    /// # Errors
    ///
    /// One of them is no pattern.
    pub fn new(patterns: &[String]) -> Result<Self> {
        let mut names = HashSet::new();
        let mut wild = Vec::new();
        let mut prefixes = Vec::new();
        for pattern in patterns {
            let pattern = pattern.trim_end_matches('/');
            let end = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
            prefixes.push(pattern[..end].to_owned());
            if end == pattern.len() {
                names.insert(pattern.to_owned());
                continue;
            }
            let text = expression(pattern)
                .map_err(|error| Error::Pattern(format!("{pattern:?}: {error}")))?;
            wild.push(text);
        }
        if patterns.is_empty() {
            prefixes.push(String::new());
        }
        prefixes.sort();
        prefixes.dedup_by(|later, earlier| later.starts_with(earlier.as_str()));
        let wild = (!wild.is_empty()).then(|| compile(&wild)).transpose()?;
        Ok(Self {
            names,
            wild,
            prefixes,
        })
    }

    /// Whether there are no patterns, so that every path matches.
    pub fn match_all(&self) -> bool {
        self.names.is_empty() && self.wild.is_none()
    }

    /// Whether a path matches.
    pub fn matches(&self, path: &str) -> bool {
        if self.match_all() {
            return true;
        }
        let above = || path.match_indices('/').map(|(slash, _)| &path[..slash]);
        (!self.names.is_empty()
            && (self.names.contains(path) || above().any(|folder| self.names.contains(folder))))
            || self.wild.as_ref().is_some_and(|wild| wild.is_match(path))
    }

    /// What paths that match begin with, in order.
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }
}

/// One expression for all of some patterns, and for what is below folders that match.
fn compile(patterns: &[String]) -> Result<Regex> {
    let text = format!(r"\A(?:{})(?:/.*)?\z", patterns.join("|"));
    Regex::builder()
        .syntax(syntax::Config::new().dot_matches_new_line(true))
        .configure(Config::new().nfa_size_limit(Some(MOST_MEMORY)))
        .build(&text)
        .map_err(|error| {
            let large = error.size_limit().is_some();
            let why = if large {
                "too many, or too large".to_owned()
            } else {
                error.to_string()
            };
            Error::Pattern(why)
        })
}

/// A pattern as a regular expression.
fn expression(pattern: &str) -> std::result::Result<String, &'static str> {
    let letters: Vec<_> = pattern.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(&letter) = letters.get(at) {
        match letter {
            '*' => {
                let stars = letters[at..].iter().take_while(|one| **one == '*').count();
                let begins = at == 0 || letters[at - 1] == '/';
                at += stars;
                if stars == 2 && begins && letters.get(at) == Some(&'/') {
                    // No folder at all, too: `a/**/b` matches `a/b`.
                    out.push_str("(?:.*/)?");
                    at += 1;
                } else {
                    out.push_str(if stars > 1 { ".*" } else { "[^/]*" });
                }
            }
            '?' => {
                out.push_str("[^/]");
                at += 1;
            }
            '[' => at = class(&letters, at, &mut out)?,
            _ => {
                put(&mut out, letter);
                at += 1;
            }
        }
    }
    Ok(out)
}

/// Add the class that begins at a bracket. Gives where the rest of the pattern begins.
fn class(
    letters: &[char],
    open: usize,
    out: &mut String,
) -> std::result::Result<usize, &'static str> {
    let negated = matches!(letters.get(open + 1), Some('!' | '^'));
    let start = open + 1 + usize::from(negated);
    // A bracket that comes first is one of the characters.
    let skip = usize::from(letters.get(start) == Some(&']'));
    let ends = |letter: &char| matches!(letter, ']' | '/');
    let rest = letters.get(start + skip..).unwrap_or_default();
    let end = rest.iter().position(ends).map(|end| start + skip + end);
    let end = end.filter(|end| letters[*end] == ']' && *end > start);
    let Some(end) = end else {
        return Err("a [ without its ]");
    };
    // No class matches a slash.
    out.push_str(if negated { "[^/" } else { "[[" });
    let set = &letters[start..end];
    let mut at = 0;
    while at < set.len() {
        put(out, set[at]);
        if at + 2 < set.len() && set[at + 1] == '-' {
            if set[at] > set[at + 2] {
                return Err("a range whose end is before its begin");
            }
            out.push('-');
            put(out, set[at + 2]);
            at += 3;
        } else {
            at += 1;
        }
    }
    out.push_str(if negated { "]" } else { "]&&[^/]]" });
    Ok(end + 1)
}

/// Add a character that is matched literally.
fn put(out: &mut String, letter: char) {
    if letter.is_alphanumeric() {
        out.push(letter);
    } else {
        // Writing to a string does not fail.
        let _ = write!(out, "\\x{{{:x}}}", u32::from(letter));
    }
}

impl Directory {
    /// Run `visit` on every entry that matches and sorts after `after`, in order, with the numbers of its page and within
    /// it, until it gives `false`.
    ///
    /// # Errors
    ///
    /// As [`Directory::entries`].
    pub fn each_match(
        &self,
        patterns: &Patterns,
        after: &str,
        mut visit: impl FnMut(&Entry<'_>, usize, usize) -> bool,
    ) -> Result<()> {
        let mut go_on = true;
        for prefix in patterns.prefixes() {
            self.each(prefix, after, |entry, page, index| {
                if patterns.matches(entry.path) {
                    go_on = visit(entry, page, index);
                }
                go_on
            })?;
            if !go_on {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Patterns;

    fn patterns(texts: &[&str]) -> Patterns {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        Patterns::new(&texts).expect("patterns")
    }

    #[test]
    fn what_patterns_match() {
        for (pattern, path, expected) in [
            ("?", "é", true),
            ("??", "é", false),
            ("?.jpg", "猫.jpg", true),
            ("[à-ü].txt", "é.txt", true),
            ("[é]", "é", true),
            ("[!é]", "é", false),
            ("[!a]", "/", false),
            ("a[+-9]b", "a/b", false),
            ("*", "a/b", true), // the folder matches
            ("*.jpg", "a/b.jpg", false),
            ("**.jpg", "a/b.jpg", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b/z", true),
            ("a/**", "a", false),
            ("a/", "a/b", true),
            ("a", "ab", false),
            ("{a,b}", "{a,b}", true),
            ("{a,b}*", "a", false),
            ("[{]", "{", true),
            ("[]a]x", "]x", true),
            ("[^a-c]x", "dx", true),
            ("a]", "a]", true),
            ("*]", "a]", true),
            ("a\\*", "a\\b", true),
            ("a.c*", "abc", false),
            ("*b", "a\nb", true),
        ] {
            assert_eq!(
                patterns(&[pattern]).matches(path),
                expected,
                "{pattern} {path}"
            );
        }
        assert!(patterns(&[]).matches("a"));
        let some = patterns(&["a/b", "c*", "d"]);
        let found = ["a/b", "a/b/x", "a/c", "cats/1", "d/1", "dx"].map(|path| some.matches(path));
        assert_eq!(found, [true, true, false, true, true, false]);
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["[", "a[b", "[]", "[!]", "[a/b]", "[b-a]", "[a}"] {
            assert!(Patterns::new(&[text.to_owned()]).is_err(), "{text}");
        }
    }

    #[test]
    fn many_names_are_quick_to_look_up() {
        let many: Vec<_> = (0..200_000)
            .map(|number| format!("a/{number}.jpg"))
            .collect();
        let patterns = Patterns::new(&many).expect("patterns");
        let found = (0..400_000).filter(|number| patterns.matches(&format!("a/{number}.jpg")));
        assert_eq!(found.count(), 200_000);
    }
}
