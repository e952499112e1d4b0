//! The fields of every kind: their types, how lists merge, and what is written even if it is empty.
//!
//! The table is `types.txt`; `ci/record/schema.go` writes it from the published Go types of Kubernetes.

pub mod crd;

use std::{collections::BTreeMap, sync::LazyLock};

/// A type with fields.
#[derive(Debug)]
pub struct Struct {
    /// The Go type's name: `StatefulSetSpec`.
    pub name: &'static str,
    /// Server-side apply treats it as one value.
    pub atomic: bool,
    fields: BTreeMap<&'static str, Field>,
}

impl Struct {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }

    /// All fields, by name.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Field)> {
        self.fields.iter().map(|(name, field)| (*name, field))
    }
}

/// A field of a [`Struct`].
#[derive(Debug)]
pub struct Field {
    /// What its value is.
    pub kind: Type,
    /// Absent and empty are different: the Go type is a pointer.
    pub pointer: bool,
    /// Written even if it is empty.
    pub keep: bool,
    /// How server-side apply merges a list.
    pub list: List,
    /// Server-side apply treats its value as one.
    pub atomic: bool,
    /// How a strategic merge patch merges a list.
    pub merge: Merge,
    /// A strategic merge patch may say which keys remain.
    pub retain: bool,
}

/// The type of a value.
#[derive(Debug)]
pub enum Type {
    /// An object of known fields: an index into the table.
    Struct(usize),
    /// A list.
    List(Box<Self>),
    /// An object of any keys.
    Map(Box<Self>, Option<&'static str>),
    /// A text, with the Go type's name.
    String(&'static str),
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A number.
    Float,
    /// A truth value.
    Bool,
    /// Base64.
    Bytes,
    /// `100m`.
    Quantity,
    /// RFC 3339, whole seconds.
    Time,
    /// RFC 3339, microseconds.
    MicroTime,
    /// A number or a text.
    IntOrString,
    /// Any object.
    Any,
}

/// How server-side apply merges a list.
#[derive(Debug, PartialEq, Eq)]
pub enum List {
    /// Not at all: it is one value.
    Atomic,
    /// A set of values.
    Set,
    /// Objects with identifying keys.
    Map(Vec<&'static str>),
}

/// How a strategic merge patch merges a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// It is replaced.
    Replace,
    /// A set of values.
    Set,
    /// Objects identified by this key.
    Key(&'static str),
}

/// All types.
#[derive(Debug)]
pub struct Schema {
    types: Vec<Struct>,
    names: BTreeMap<&'static str, usize>,
}

impl Schema {
    /// The type of a kind: `apps/StatefulSet`, or `Pod` in the core group.
    pub fn kind(&self, group_kind: &str) -> Option<&Struct> {
        let (group, kind) = group_kind.split_once('/').unwrap_or(("core", group_kind));
        let package = group.split('.').next().unwrap_or_default();
        let package = if kind == "DeleteOptions" {
            "meta"
        } else {
            package
        };
        self.named(&format!("{package}.{kind}"))
    }

    /// A type by package and name: `core.PodSpec`.
    pub fn named(&self, name: &str) -> Option<&Struct> {
        self.names.get(name).map(|index| &self.types[*index])
    }

    /// The type that a [`Type::Struct`] refers to.
    pub fn get(&self, index: usize) -> &Struct {
        &self.types[index]
    }
}

/// The table.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| read(include_str!("types.txt")));
    &SCHEMA
}

/// Panics on a table that does not refer to itself: that is a fault of the table, and of the tests.
fn read(text: &'static str) -> Schema {
    let mut names = BTreeMap::new();
    let headers = text.lines().filter_map(|line| line.strip_prefix("type "));
    for (index, header) in headers.enumerate() {
        names.insert(header.split(' ').next().unwrap_or_default(), index);
    }
    let mut types = Vec::with_capacity(names.len());
    for block in text.split("\ntype ").skip(1) {
        let mut lines = block.lines();
        let header = lines.next().unwrap_or_default();
        let (name, atomic) = header
            .split_once(' ')
            .map_or((header, false), |(name, _)| (name, true));
        types.push(Struct {
            name: name.split('.').next_back().unwrap_or_default(),
            atomic,
            fields: lines
                .filter_map(|line| line.strip_prefix("  "))
                .map(|line| field(line, &names))
                .collect(),
        });
    }
    Schema { types, names }
}

fn field(line: &'static str, names: &BTreeMap<&'static str, usize>) -> (&'static str, Field) {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    let text = words.next().unwrap_or_default();
    let pointer = text.strip_prefix('*');
    let mut field = Field {
        kind: type_of(pointer.unwrap_or(text), names),
        pointer: pointer.is_some(),
        keep: false,
        list: List::Atomic,
        atomic: false,
        merge: Merge::Replace,
        retain: false,
    };
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("keep", _) => field.keep = true,
            ("atomic", _) => field.atomic = true,
            ("retain", _) => field.retain = true,
            ("list", "set") => field.list = List::Set,
            ("list", keys) => {
                let keys = keys.trim_start_matches("map:");
                field.list = List::Map(keys.split(',').collect());
            }
            ("merge", "") => field.merge = Merge::Set,
            ("merge", key) => field.merge = Merge::Key(key),
            other => unreachable!("a word of the table: {other:?}"),
        }
    }
    (name, field)
}

fn type_of(text: &'static str, names: &BTreeMap<&'static str, usize>) -> Type {
    if let Some(inner) = text.strip_prefix("[]") {
        return Type::List(Box::new(type_of(inner, names)));
    }
    if let Some(inner) = text.strip_prefix("map[]") {
        let (inner, go) = match inner.split_once('(') {
            Some((inner, go)) => (inner, Some(go.trim_end_matches(')'))),
            None => (inner, None),
        };
        return Type::Map(Box::new(type_of(inner, names)), go);
    }
    match text {
        "string" => Type::String("string"),
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "float64" => Type::Float,
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "quantity" => Type::Quantity,
        "time" => Type::Time,
        "microtime" => Type::MicroTime,
        "int-or-string" => Type::IntOrString,
        "raw" | "fields" => Type::Any,
        _ => match text.split_once('(') {
            Some(("string", go)) => Type::String(go.trim_end_matches(')')),
            Some((_, _)) => Type::Int32,
            None => Type::Struct(names[text]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_how_ports_merge() {
        let container = schema().named("core.Container").expect("it is there");
        let ports = container.field("ports").expect("it is there");
        assert_eq!(ports.list, List::Map(vec!["containerPort", "protocol"]));
        assert_eq!(ports.merge, Merge::Key("containerPort"));
        assert!(container.field("resources").is_some_and(|field| field.keep));
    }

    #[test]
    fn kinds_are_found_by_group_and_name() {
        for kind in [
            "Pod",
            "apps/StatefulSet",
            "storage.k8s.io/StorageClass",
            "policy/PodDisruptionBudget",
            "discovery.k8s.io/EndpointSlice",
            "coordination.k8s.io/Lease",
            "autoscaling/Scale",
            "DeleteOptions",
        ] {
            assert!(schema().kind(kind).is_some(), "{kind}");
        }
        assert!(schema().kind("stsspec.dev/StatefulSet").is_none());
    }
}
