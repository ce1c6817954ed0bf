//! JSON as signed things need it: every member name once, bounded depth.
//!
//! Parsers disagree on which of two members of one name counts, so a payload that has two says two things.
//!
//! And one spelling for each thing: a structure is an object, not a list of its members' values; a word of an enumeration is a
//! string, neither its number nor the only member of an object. `serde` takes those too, and what is read from them passes by
//! what is said of members. Where `serde` reads a value into a buffer of its own first, `only_words!` sees to it.
//!
//! [`Json`] borrows its strings from the text and keeps members in the order of the text: taking an entry apart makes
//! one allocation for each array and object, and few for strings.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Number, Value};

/// Arrays and objects inside each other. `serde_json` itself stops at 128.
pub const DEPTH_MAX: usize = 32;

/// Members of an object up to which a name is looked for among them one by one.
const FEW: usize = 16;

/// A JSON value whose strings are those of the text that it was read from, where they have no escapes.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object; no name stands twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// A [`serde_json::Error`] that names line and column, also for a member name that stands twice in one object, more
    /// than [`DEPTH_MAX`] levels, and anything after the text.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        // Once for the whole, instead of for each string.
        let text = std::str::from_utf8(bytes).map_err(serde_json::Error::custom)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Strict { depth: 0 }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    /// Returns the member of that name; `None` if there is none, or the value is no object.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        let Json::Object(members) = self else { return None };
        members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }
}

impl<'a> From<&'a Value> for Json<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.clone()),
            Value::String(text) => Json::String(Cow::Borrowed(text)),
            Value::Array(items) => Json::Array(items.iter().map(Json::from).collect()),
            Value::Object(members) => {
                let member =
                    |(name, value): (&'a String, &'a Value)| (Cow::Borrowed(name.as_str()), value.into());
                Json::Object(members.iter().map(member).collect())
            }
        }
    }
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Self {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(value),
            Json::Number(number) => Value::Number(number),
            Json::String(text) => Value::String(text.into_owned()),
            Json::Array(items) => Value::Array(items.into_iter().map(Value::from).collect()),
            Json::Object(members) => Value::Object(
                members.into_iter().map(|(name, value)| (name.into_owned(), value.into())).collect(),
            ),
        }
    }
}

struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<Strict, E> {
        match self.depth {
            DEPTH_MAX => Err(E::custom(format_args!("more than {DEPTH_MAX} levels"))),
            depth => Ok(Strict { depth: depth + 1 }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with every member name once")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json<'de>, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let mut members: Vec<(Cow<'de, str>, Json<'de>)> = Vec::new();
        let twice = |name: &str| A::Error::custom(format_args!("member {name:?} stands twice"));
        while let Some(Name(name)) = access.next_key()? {
            let value = access.next_value_seed(self.deeper()?)?;
            if members.len() < FEW && members.iter().any(|(member, _)| *member == name) {
                return Err(twice(&name));
            }
            members.push((name, value));
        }
        if members.len() > FEW {
            // One by one, a hostile object would cost the square of its size.
            let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
            names.sort_unstable();
            if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(twice(pair[0]));
            }
        }
        Ok(Json::Object(members))
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// Types are read from a [`Json`] as they are from a [`Value`].
impl<'de> Deserializer<'de> for &'de Json<'_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Number(number) => number.deserialize_any(visitor),
            Json::String(text) => visitor.visit_borrowed_str(text),
            Json::Array(items) => {
                let mut items = SeqDeserializer::new(items.iter());
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Json::Object(members) => {
                let name = |text: &'de Cow<'_, str>| BorrowedStrDeserializer::new(text.as_ref());
                let mut members =
                    MapDeserializer::new(members.iter().map(|(text, value)| (name(text), value)));
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Json::Null => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self {
            Json::Object(_) => self.deserialize_any(visitor),
            _ => Err(Error::custom(format_args!("{name} is an object"))),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Json::String(word) => visitor.visit_borrowed_str(word),
            _ => Err(Error::custom("a name is a string")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self {
            Json::String(text) => {
                BorrowedStrDeserializer::new(text).deserialize_enum(name, variants, visitor)
            }
            Json::Object(members) if members.len() == 1 => {
                let (variant, value) = &members[0];
                visitor.visit_enum(OnlyMember { variant, value })
            }
            _ => Err(Error::custom(format_args!("not a variant of {name}"))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map ignored_any
    }
}

/// A variant that holds something, as the only member of an object.
struct OnlyMember<'de, 'a> {
    variant: &'de str,
    value: &'de Json<'a>,
}

impl<'de, 'a> EnumAccess<'de> for OnlyMember<'de, 'a> {
    type Error = serde_json::Error;
    type Variant = &'de Json<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Self::Error> {
        let variant: BorrowedStrDeserializer<'de, serde_json::Error> =
            BorrowedStrDeserializer::new(self.variant);
        Ok((seed.deserialize(variant)?, self.value))
    }
}

impl<'de> VariantAccess<'de> for &'de Json<'_> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        Err(Error::custom("a word is a string"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Self::Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.deserialize_struct("a variant", &[], visitor)
    }
}

/// Has an enumeration of words read from strings alone. What `serde` derives for it with `remote = "Self"` does the rest.
macro_rules! only_words {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $name::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <$crate::attest::json::Name<'_> as serde::Deserialize>::deserialize(deserializer)?;
                $name::deserialize(serde::de::value::StrDeserializer::new(&word.0))
            }
        }
    };
}
pub(crate) use only_words;

impl<'de> IntoDeserializer<'de, serde_json::Error> for &'de Json<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use serde::de::IgnoredAny;

    fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
        Json::parse(bytes).map(Value::from)
    }

    #[test]
    fn agrees_with_serde_json_on_what_both_take() {
        let text = r#"{"a":[1,-2,3.5,"é\n",true,null,{"b":{}}],"c":18446744073709551615}"#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn refuses_what_says_two_things() {
        for bad in
            [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"\u0061":2}]}"#, "{}{}", "{} x", "[1,]", "", "\u{feff}{}"]
        {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn a_name_that_stands_twice_is_found_among_any_number() {
        for count in [2, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let names: Vec<String> = (0..count).map(|number| format!("\"m{number}\":0")).collect();
            let text = |names: &[String]| format!("{{{}}}", names.join(","));
            assert!(parse(text(&names).as_bytes()).is_ok(), "{count}");
            for (from, to) in [(0, count - 1), (count - 1, 0), (count / 2, count - 1)] {
                let mut twice = names.clone();
                twice[to] = twice[from].clone();
                assert_eq!(parse(text(&twice).as_bytes()).is_err(), from != to, "{count} {from} {to}");
            }
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(parse(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        assert!(parse(nested(100_000).as_bytes()).is_err());
    }

    /// One of everything that a record's types are made of.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct All {
        text: String,
        number: u64,
        small: Option<u16>,
        list: Vec<Kind>,
        nested: Option<Box<All>>,
        wrapped: Wrapped,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(f64);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Kind {
        Plain,
        Holding(u8),
        Shaped {
            a: bool,
        },
        #[serde(untagged)]
        Other(String),
    }

    #[test]
    fn types_are_read_as_from_a_value() {
        let good = r#"{"text":"é\n","number":7,"small":null,"wrapped":1.5,"more":[{}],"list":["plain",{"holding":3},
            {"shaped":{"a":true}},"odd"],"nested":{"text":"","number":0,"small":9,"list":[],"wrapped":2}}"#;
        for text in [
            good.to_owned(),
            good.replace("\"number\":7", "\"number\":-7"),
            good.replace("\"number\":7", "\"number\":7.5"),
            good.replace("\"number\":7,", ""),
            good.replace("\"small\":9", "\"small\":70000"),
            good.replace("\"small\":9", "\"small\":\"9\""),
            good.replace("{\"holding\":3}", "{\"holding\":300}"),
            good.replace("{\"holding\":3}", "{\"holding\":3,\"plain\":null}"),
            good.replace("{\"holding\":3}", "[\"holding\",3]"),
            good.replace("\"plain\"", "null"),
            good.replace("\"wrapped\":1.5", "\"wrapped\":[1.5]"),
            "[]".into(),
            "\"x\"".into(),
        ] {
            let value: Value = serde_json::from_str(&text).unwrap();
            let json = Json::parse(text.as_bytes()).unwrap();
            let (ours, theirs) = (All::deserialize(&json), All::deserialize(&value));
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text}"),
                (ours, theirs) => assert_eq!(ours.is_err(), theirs.is_err(), "{text}: {ours:?} {theirs:?}"),
            }
            assert!(IgnoredAny::deserialize(&json).is_ok());
        }
    }

    #[test]
    fn a_variant_is_a_name_or_the_only_member_of_an_object() {
        #[derive(Debug, PartialEq, Deserialize)]
        enum Choice {
            Plain,
            Holding(u8),
        }
        let read = |text: &str| Choice::deserialize(&Json::parse(text.as_bytes()).unwrap());
        assert_eq!(read(r#""Plain""#).unwrap(), Choice::Plain);
        assert_eq!(read(r#"{"Holding":3}"#).unwrap(), Choice::Holding(3));
        for bad in ["{}", r#"{"Holding":3,"Plain":null}"#, r#"["Plain"]"#, "null", "1"] {
            assert_eq!(read(bad).unwrap_err().to_string(), "not a variant of Choice", "{bad}");
        }
    }

    #[test]
    fn each_thing_has_one_spelling() {
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(remote = "Self")]
        enum Word {
            Plain,
            #[serde(untagged)]
            Other(String),
        }
        only_words!(Word);
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Closed {
            word: Word,
            choice: Choice,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        enum Choice {
            Plain,
            Shaped { a: bool },
        }
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(tag = "kind")]
        enum Tagged {
            Plain,
        }
        let read = |text: &str| Closed::deserialize(&Json::parse(text.as_bytes()).unwrap()).ok();
        let closed = |word, choice| Some(Closed { word, choice });
        let plain = read(r#"{"word":"Plain","choice":"Plain"}"#);
        assert_eq!(plain, closed(Word::Plain, Choice::Plain));
        let other = read(r#"{"word":"odd","choice":{"Shaped":{"a":true}}}"#);
        assert_eq!(other, closed(Word::Other("odd".into()), Choice::Shaped { a: true }));
        for bad in [
            r#"["Plain","Plain"]"#,
            r#"{"word":{"Plain":null},"choice":"Plain"}"#,
            r#"{"word":"Plain","choice":{"Plain":null}}"#,
            r#"{"word":"Plain","choice":{"Plain":[]}}"#,
            r#"{"word":"Plain","choice":0}"#,
            r#"{"word":0,"choice":"Plain"}"#,
            r#"{"word":["Plain"],"choice":"Plain"}"#,
            r#"{"word":"Plain","choice":{"Shaped":[true]}}"#,
            r#"{"word":"Plain","choice":"Plain","more":1}"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let tagged = |text: &str| Tagged::deserialize(&Json::parse(text.as_bytes()).unwrap()).ok();
        assert_eq!((tagged(r#"{"kind":"Plain"}"#), tagged(r#"{"kind":0}"#)), (Some(Tagged::Plain), None));
        // What is written is read.
        assert_eq!(serde_json::to_string(&Word::Plain).unwrap(), r#""Plain""#);
        assert_eq!(serde_json::to_string(&Word::Other("odd".into())).unwrap(), r#""odd""#);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9f64..1e9).prop_map(Value::from),
            "\\PC{0,6}|[\"\\\\\u{0}-\u{1f}é]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[a-c\"\\\\é]{0,2}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_read_as_it_was_written(value in values()) {
            let text = value.to_string();
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&parse(text.as_bytes()).unwrap(), &value);
            prop_assert_eq!(Value::from(Json::from(&value)), value.clone());
            // Read as a type that takes anything, it is the same again.
            let json = Json::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(Value::deserialize(&json).unwrap(), value);
        }
    }
}
