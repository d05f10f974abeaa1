//! The XML of S3's answers, as a tree. White space in texts is kept: keys may begin with it.

use super::error::Error;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Elements within elements deeper than this are of no answer of S3.
const MOST_DEPTH: usize = 16;

/// More elements than this are of no answer of S3: a listing of 1,000 keys has some 12,000.
const MOST_ELEMENTS: usize = 100_000;

/// An element.
#[derive(Debug, Default, Clone)]
pub struct Node {
    /// Its name, without a namespace.
    pub name: String,
    /// Its text, without that of elements in it.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Node>,
}

impl Node {
    /// The first element of a name.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first element of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// All elements of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Parse a document, which must be whole.
pub fn parse(body: &[u8]) -> Result<Node, Error> {
    read(body).ok_or_else(|| Error::nonsense("the answer is not whole, or is no XML"))
}

fn read(body: &[u8]) -> Option<Node> {
    let mut reader = Reader::from_reader(body);
    let mut open: Vec<Node> = vec![Node::default()];
    let mut elements = 0;
    loop {
        if elements > MOST_ELEMENTS {
            return None;
        }
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() > MOST_DEPTH {
                    return None;
                }
                elements += 1;
                open.push(named(start.local_name().as_ref())?);
            }
            Event::Empty(start) => {
                elements += 1;
                let node = named(start.local_name().as_ref())?;
                open.last_mut()?.children.push(node);
            }
            Event::End(_) => {
                let node = open.pop()?;
                open.last_mut()?.children.push(node);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
            Event::CData(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
            Event::GeneralRef(name) => {
                let text = &mut open.last_mut()?.text;
                match name.resolve_char_ref().ok()? {
                    Some(character) => text.push(character),
                    None => text.push_str(resolve_predefined_entity(&name.decode().ok()?)?),
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    // What is still open was cut off.
    let [root] = <[Node; 1]>::try_from(open).ok()?;
    root.children.into_iter().next()
}

fn named(name: &[u8]) -> Option<Node> {
    Some(Node {
        name: String::from_utf8(name.to_vec()).ok()?,
        ..Node::default()
    })
}

/// Write a text so that it can be part of an element.
pub fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
