//! The authority file: bodies under all their names, so that one ministry in four languages is one body.
//!
//! ```toml
//! [[organisation]]
//! id = "ru-mod"
//! kind = "government"
//! country = "RU"
//! domain = "mil.ru"
//! names = { fr = ["Ministère de la Défense de la Fédération de Russie"], ru = ["Минобороны России"] }
//! ```
//!
//! A workspace adds rows of its own (`origins.toml`, the same form); they win over the built-in ones. What is in no row
//! stays as printed. Being in the file says that a name is known, never that a claim is true.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::claim::OriginKind;
use super::fold::key;
use super::rules::BodyKind;
use super::tables;

/// A row of the built-in file, as the build script made it: see [`Organisation`].
#[derive(Debug)]
pub(super) struct Row {
    pub id: &'static str,
    pub kind: BodyKind,
    pub country: Option<&'static str>,
    pub domain: Option<&'static str>,
    pub wikidata: Option<&'static str>,
    pub names: &'static [(&'static str, &'static [&'static str])],
}

/// Returns a row of the built-in file. It is made when it is first asked for: a document asks for few.
fn built_in(at: usize) -> &'static Organisation {
    static ROWS: [OnceLock<Organisation>; tables::ORGANISATIONS.len()] =
        [const { OnceLock::new() }; tables::ORGANISATIONS.len()];
    ROWS[at].get_or_init(|| {
        let row = &tables::ORGANISATIONS[at];
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Organisation {
            id: row.id.to_owned(),
            kind: row.kind,
            country: row.country.map(str::to_owned),
            domain: row.domain.map(str::to_owned),
            wikidata: row.wikidata.map(str::to_owned),
            names: row.names.iter().map(|(language, names)| ((*language).to_owned(), owned(names))).collect(),
        }
    })
}

/// A body, as a row has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Its name in this file: lower-case letters, digits and hyphens. Never given to another body.
    pub id: String,
    /// What sort of body.
    pub(super) kind: BodyKind,
    /// Where it sits: ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// Its domain, without `www.`.
    #[serde(default)]
    pub domain: Option<String>,
    /// Its item in Wikidata: `Q40464`.
    #[serde(default)]
    pub wikidata: Option<String>,
    /// Its names by language (BCP 47; `*`: any), the label first.
    pub names: BTreeMap<String, Vec<String>>,
}

impl Organisation {
    /// Returns what sort of body it is.
    pub fn kind(&self) -> OriginKind {
        self.kind.origin_kind()
    }

    /// Returns its label in `language`, else the one for any, else in English, else the first.
    pub fn label(&self, language: Option<&str>) -> &str {
        let of = |language: &str| self.names.get(language)?.first();
        let label = language.and_then(of).or_else(|| of("*")).or_else(|| of("en"));
        label.or_else(|| self.names.values().flatten().next()).map_or(&self.id, |label| label)
    }
}

/// A body that a claim names, as the record keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganisationRef {
    /// Its id in the authority file.
    pub id: String,
    /// Its label, in English where there is one.
    pub label: String,
    /// Its item in Wikidata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wikidata: Option<String>,
    /// Its domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// Why an authority file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// Not TOML, or not of the form above.
    #[error("not an authority file: {reason}")]
    Form {
        /// What is wrong, with the line.
        reason: String,
    },
    /// A row without a name, or with an id of other characters.
    #[error("organisation {id:?}: {reason}")]
    Row {
        /// The row's id.
        id: String,
        /// What is wrong.
        reason: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    organisation: Vec<Organisation>,
}

/// The bodies that are known, by name and by domain.
#[derive(Debug, Clone, Default)]
pub struct Authority {
    /// Rows of a workspace.
    own: Vec<Organisation>,
    names: HashMap<String, usize>,
    domains: HashMap<String, usize>,
    /// The built-in rows are known too, but for those whose id a row of the workspace has.
    built_in: bool,
}

impl Authority {
    /// Returns the built-in file.
    pub fn builtin() -> &'static Authority {
        static BUILTIN: OnceLock<Authority> = OnceLock::new();
        BUILTIN.get_or_init(|| Authority { built_in: true, ..Authority::default() })
    }

    /// Reads a file of rows.
    ///
    /// # Errors
    /// [`AuthorityError`], naming the line or the row.
    pub fn parse(source: &str) -> Result<Authority, AuthorityError> {
        let file: File = toml::from_str(source).map_err(|error| {
            let line = error.span().map_or(1, |span| source[..span.start].matches('\n').count() + 1);
            AuthorityError::Form { reason: format!("line {line}: {}", error.message()) }
        })?;
        for row in &file.organisation {
            let fault = |reason| AuthorityError::Row { id: row.id.clone(), reason };
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if row.id.is_empty() || !row.id.chars().all(plain) {
                return Err(fault("an id is lower-case letters, digits and hyphens"));
            }
            if row.names.values().flatten().all(|name| name.trim().is_empty()) {
                return Err(fault("it has no name"));
            }
        }
        Ok(Authority::of(file.organisation, false))
    }

    /// The first row with a name has it.
    fn of(own: Vec<Organisation>, built_in: bool) -> Self {
        let (mut names, mut domains) = (HashMap::new(), HashMap::new());
        for (at, row) in own.iter().enumerate() {
            for name in row.names.values().flatten() {
                names.entry(key(name)).or_insert(at);
            }
            if let Some(domain) = &row.domain {
                domains.entry(domain.to_ascii_lowercase()).or_insert(at);
            }
        }
        Authority { own, names, domains, built_in }
    }

    /// Returns these bodies with those of `source`, which win: by id, by name and by domain.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn merged(&self, source: &str) -> Result<Authority, AuthorityError> {
        let mut own = Authority::parse(source)?.own;
        let kept = self.own.iter().filter(|row| !own.iter().any(|other| other.id == row.id));
        let kept: Vec<Organisation> = kept.cloned().collect();
        own.extend(kept);
        Ok(Authority::of(own, self.built_in))
    }

    /// Returns the first body under `key`: the workspace's, or a built-in one that it does not replace.
    fn look(
        &self,
        key: &str,
        own: &HashMap<String, usize>,
        built_in_keys: &'static [(&'static str, u16)],
    ) -> Option<&Organisation> {
        if let Some(at) = own.get(key) {
            return self.own.get(*at);
        }
        let built_in_keys = if self.built_in { built_in_keys } else { &[] };
        let from = built_in_keys.partition_point(|(known, _)| *known < key);
        let same = built_in_keys[from..].iter().take_while(|(known, _)| *known == key);
        same.map(|(_, at)| usize::from(*at)).find(|at| self.keeps(*at)).map(|at| built_in(at))
    }

    fn keeps(&self, at: usize) -> bool {
        !self.own.iter().any(|row| row.id == tables::ORGANISATIONS[at].id)
    }

    fn named(&self, key: &str) -> Option<&Organisation> {
        self.look(key, &self.names, &tables::KEYS)
    }

    /// Returns the body of this printed name.
    pub fn find(&self, printed: &str) -> Option<&Organisation> {
        const ARTICLES: &[&str] = &[
            "the ",
            "le ",
            "la ",
            "les ",
            "l'",
            "l’",
            "der ",
            "die ",
            "das ",
            "el ",
            "agence ",
            "agencia ",
            "агентство ",
        ];
        let bare = || {
            let printed = printed.trim();
            let start = |article: &&&str| {
                printed.get(..article.len()).is_some_and(|start| start.to_lowercase() == **article)
            };
            let article = ARTICLES.iter().find(start)?;
            self.named(&key(&printed[article.len()..]))
        };
        self.named(&key(printed)).or_else(bare)
    }

    /// Returns the language that a printed name is in, where its row has it in one only.
    pub fn language_of(&self, printed: &str) -> Option<&str> {
        let wanted = key(printed);
        let row = self.named(&wanted)?;
        let mut languages =
            row.names.iter().filter(|(_, names)| names.iter().any(|name| key(name) == wanted));
        let (language, _) = languages.next()?;
        (languages.next().is_none() && language != "*").then_some(language)
    }

    /// Returns the body that publishes at this host, or at one above it.
    pub fn at(&self, host: &str) -> Option<&Organisation> {
        let host = host.to_ascii_lowercase();
        let mut rest = host.as_str();
        loop {
            if let Some(found) = self.look(rest, &self.domains, &tables::DOMAINS) {
                return Some(found);
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// Returns how a record refers to the body of this printed name.
    pub fn reference(&self, printed: &str) -> Option<OrganisationRef> {
        let found = self.find(printed)?;
        Some(OrganisationRef {
            id: found.id.clone(),
            label: found.label(Some("en")).to_owned(),
            wikidata: found.wikidata.clone(),
            domain: found.domain.clone(),
        })
    }

    /// Returns all bodies, those of the workspace first.
    pub fn organisations(&self) -> impl Iterator<Item = &Organisation> {
        let count = if self.built_in { tables::ORGANISATIONS.len() } else { 0 };
        let rest = (0..count).filter(|at| self.keeps(*at)).map(|at| built_in(at));
        self.own.iter().chain(rest)
    }
}

/// Returns a printed name as it is compared with others: in NFC, lower case but for short names in capitals, with plain
/// apostrophes and single spaces.
pub fn fold_name(name: &str) -> String {
    key(&name.nfc().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ministry_in_many_languages_is_one_body() {
        let all = Authority::builtin();
        for name in [
            "Ministère de la Défense de la Fédération de Russie",
            "ministère de la défense de la fédération de Russie",
            "Russian Defence Ministry",
            "The Russian Defence Ministry",
            "Минобороны России",
            "وزارة الدفاع الروسية",
        ] {
            assert_eq!(all.find(name).map(|found| found.id.as_str()), Some("ru-mod"), "{name}");
        }
        assert_eq!(all.find("新华社").map(|found| found.id.as_str()), Some("xinhua"));
        assert_eq!(all.find("L’OTAN").map(|found| found.id.as_str()), Some("nato"));
        assert_eq!(all.find("Ministère de la Pêche"), None);
        assert_eq!(all.find("metro"), None, "the case of short names counts");
        assert_eq!(all.at("www.spiegel.de").map(|found| found.id.as_str()), Some("spiegel"));
        assert_eq!(all.at("example.org"), None);
    }

    #[test]
    fn rows_of_a_workspace_win() {
        let own = "[[organisation]]\nid = \"afp\"\nkind = \"agency\"\nnames = { fr = [\"Agence de la forêt\", \"AFP\"] }\n";
        let merged = Authority::builtin().merged(own).unwrap();
        assert_eq!(merged.find("AFP").unwrap().label(Some("fr")), "Agence de la forêt");
        assert_eq!(merged.find("法新社"), None);
        assert_eq!(merged.find("Reuters").unwrap().id, "reuters");
    }

    #[test]
    fn faults_are_named() {
        let error = Authority::parse("[[organisation]]\nid = 3\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        let row = |source: &str| Authority::parse(source).unwrap_err().to_string();
        assert!(row("[[organisation]]\nid = \"A b\"\nkind = \"agency\"\nnames = {}").contains("\"A b\""));
        assert!(row("[[organisation]]\nid = \"a\"\nkind = \"agency\"\nnames = {}").contains("no name"));
    }

    #[test]
    fn the_built_in_file_is_sound() {
        let mut seen = std::collections::BTreeSet::new();
        for row in Authority::builtin().organisations() {
            assert!(seen.insert(&row.id), "{} twice", row.id);
            assert!(
                row.wikidata.as_ref().is_none_or(|id| id.starts_with('Q') && id[1..].parse::<u64>().is_ok()),
                "{}",
                row.id
            );
            assert!(
                row.domain.as_ref().is_none_or(|domain| domain.contains('.') && !domain.starts_with("www.")),
                "{}",
                row.id
            );
            assert!(
                row.country
                    .as_ref()
                    .is_none_or(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())),
                "{}",
                row.id
            );
        }
    }

    /// The tables are made by the build script; the file, read here, is the oracle.
    #[test]
    fn the_tables_answer_as_the_file_does() {
        const SOURCE: &str = include_str!("authority.toml");
        let own = "[[organisation]]\nid = \"afp\"\nkind = \"agency\"\ndomain = \"reuters.com\"\nnames = { fr = [\"Agence de la forêt\", \"AP\"] }\n";
        let merged = Authority::builtin().merged(own).unwrap();
        let without = SOURCE.replacen("id = \"afp\"", "id = \"afp-replaced\"", 1);
        let mut rows = Authority::parse(&format!("{own}{without}")).unwrap().own;
        rows.retain(|row| row.id != "afp-replaced");
        let cases = [
            (Authority::builtin().clone(), Authority::parse(SOURCE).unwrap()),
            (merged, Authority::of(rows, false)),
        ];
        for (tables, file) in cases {
            assert!(tables.organisations().eq(file.organisations()));
            assert!(file.organisations().count() > 500);
            for row in file.organisations() {
                for name in row.names.values().flatten().chain([&"Agence de la forêt".to_owned()]) {
                    assert_eq!(tables.find(name), file.find(name), "{name}");
                    assert_eq!(tables.language_of(name), file.language_of(name), "{name}");
                    let named = format!("The {name}");
                    assert_eq!(tables.find(&named), file.find(&named), "{named}");
                }
                if let Some(domain) = &row.domain {
                    let host = format!("www.{domain}");
                    assert_eq!(tables.at(&host), file.at(&host), "{host}");
                }
            }
        }
    }

    #[test]
    fn an_agency_of_one_s_own_is_never_an_author() {
        use super::super::{Extract, Format, claims_with};
        let own = "[[organisation]]\nid = \"adl\"\nkind = \"agency\"\nnames = { fr = [\"Agence du Lac\", \"ADL\"] }\n";
        let all = Authority::builtin().merged(own).unwrap();
        for text in [
            "Retour au port\n\nPar Agence du Lac\n\nLes bateaux sont rentrés lundi au port, après la tempête.\n",
            "Retour au port\n\nGao (ADL) - Les bateaux sont rentrés lundi au port, après la tempête.\n",
        ] {
            let extract = Extract { text: text.into(), ..Extract::default() };
            let article = claims_with(text.as_bytes(), Format::Text, extract, &all);
            assert!(article.bylines.is_empty(), "{:?}", article.bylines);
            let organisation = article.claimed_origins[0].organisation.as_ref().unwrap();
            assert_eq!(organisation.id, "adl", "{text}");
        }
    }

    #[test]
    fn a_fault_names_its_line() {
        let error = Authority::parse("# mine\n[[organisation]\n").unwrap_err();
        assert!(error.to_string().starts_with("not an authority file: line 2: "), "{error}");
    }
}
