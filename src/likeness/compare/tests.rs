use super::*;
use proptest::prelude::*;

fn likeness(first: &str, second: &str) -> Likeness {
    compare(&Text::new(first), &Text::new(second))
}

fn slice(text: &str, span: Span) -> String {
    text.chars().skip(span.start).take(span.end - span.start).collect()
}

/// The figures that differ, as they are printed in both texts.
fn figures(first: &str, second: &str) -> Vec<(String, String)> {
    let Likeness::SameWordingButNumbers { figures } = likeness(first, second) else {
        panic!("{:?}", likeness(first, second))
    };
    let printed = |text: &str, at: Option<FigureAt>| slice(text, at.unwrap().span);
    figures.into_iter().map(|one| (printed(first, one.first), printed(second, one.second))).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

#[test]
fn other_figures_alarm() {
    for (one, other) in [
        ("1.5 million", "15 million"),
        ("2022-24", "202224"),
        ("-5 °C", "5 °C"),
        ("\u{2212}5 °C", "5 °C"),
        ("15 millions", "15 milliards"),
        ("$5", "€5"),
        ("5 km", "5 m"),
        ("3万", "3億"),
        ("50%", "50‰"),
    ] {
        let text = |figure: &str| format!("Été :\nil y a {figure}, dit le ministre, et 7 autres.");
        assert_eq!(figures(&text(one), &text(other)), pairs(&[(one, other)]));
    }
    assert_eq!(figures("昨日3人が死亡した", "昨日5人が死亡した"), pairs(&[("3", "5")]));
    // All that differ, and only those.
    let many = figures("a 1 b 2 c\n3 d", "a 1 b 4 c 5 d");
    assert_eq!(many, pairs(&[("2", "4"), ("3", "5")]));
}

#[test]
fn what_differs_beside_figures_is_not_the_same_wording() {
    let similar = |one: &str, other: &str| matches!(likeness(one, other), Likeness::Similar { .. });
    assert!(similar("昨日3人が死亡したと警察が話した", "昨日3人が負傷したと警察が話した"));
    assert!(similar("le droit de la pêche au lac est né ici", "le droit de la péché au lac est né ici"));
    assert!(similar("il a 1 500 bateaux dans le port", "il a 1500 bateaux dans le port"));
    assert!(similar("« oui », a dit le roi hier", "\"oui\", a dit le roi hier"));
    let one = "Le port a reçu 15 bateaux lundi, a annoncé la ministre devant les pêcheurs réunis";
    let other = "Le port a reçu 51 bateaux mardi, a annoncé la ministre devant les pêcheurs réunis";
    let Likeness::Similar { figures, shares } = likeness(one, other) else { panic!() };
    let found = figures.into_iter().map(|one| (one.first.unwrap().token, one.second.unwrap().token));
    assert_eq!(found.collect::<Vec<_>>(), pairs(&[("15", "51")]));
    assert!(shares.first.percent() < 100 && shares.first.percent() > 60, "{shares:?}");
    for (one, other) in [("5", "6"), ("Page 5", "Page 6"), ("Par A. Diarra", "Par A. Diarra (AFP)")] {
        assert!(matches!(likeness(one, other), Likeness::Different { .. }), "{one}");
    }
}

#[test]
fn what_does_not_show_is_the_same_wording() {
    let plain = "La fédération était là : « 5 % de pêche »";
    for other in [
        "La fédé-\nration e\u{301}tait là\u{a0}: «\u{202f}5 % de pêche\u{202f}»",
        "La fé\u{ad}dération\nétait là :\n« 5\u{a0}% de pe\u{302}che »  ",
        "\u{feff}La fédération était là : « 5 % de pê\u{200b}che »\n\n",
    ] {
        assert_eq!(likeness(plain, other), Likeness::SameWording, "{other:?}");
    }
}

const STATEMENT: &str = "La ministre a ouvert le port lundi matin, sous la pluie.\n\n\
    « Les quais seront à vous dès demain matin, tous », a-t-elle dit. La foule a longtemps applaudi.\n\n\
    Le vieux marché, lui, ferme ses portes à la fin du mois prochain.\n\n\
    Trois mille bateaux y venaient chaque année, selon la chambre de commerce, et autant de camions repartaient vers \
    les villes du nord avec le poisson de la nuit. Une partie des halles sera détruite, une autre deviendra un musée.";

#[test]
fn passages_are_found_with_their_places() {
    let filler = |seed: &str| (0..40).map(|n| format!("{seed}{n} ")).collect::<String>();
    let cases = [
        ("Le vieux marché, lui, ferme ses\nportes à la fin du mois prochain", PassageKind::Paragraph),
        ("les quais seront à vous dès demain matin, tous", PassageKind::Quotation),
    ];
    for (words, kind) in cases {
        let quoting = format!("{} Notons : {words}. {}", filler("x"), filler("y"));
        let Likeness::PassageOf { passages, shares } = likeness(&quoting, STATEMENT) else {
            panic!("{words}")
        };
        assert_eq!(passages.len(), 1);
        assert_eq!(passages[0].kind, kind);
        assert_eq!(slice(&quoting, passages[0].first), words);
        let other = slice(STATEMENT, passages[0].second);
        assert_eq!(other.to_lowercase(), words.replace('\n', " ").to_lowercase());
        assert!(shares.first.percent() < SIMILAR_PERCENT);
    }
    let quoting = format!("{} La foule a longtemps dormi, sous la pluie. {}", filler("x"), filler("y"));
    assert!(matches!(likeness(&quoting, STATEMENT), Likeness::Different { .. }));
    // Another figure is not the same passage.
    let hours = STATEMENT.replace("matin, tous", "matin, à 5 heures");
    let quoting = |hour: &str| {
        format!(
            "{} « les quais seront à vous dès demain matin, à {hour} heures » {}",
            filler("x"),
            filler("y")
        )
    };
    assert!(matches!(likeness(&quoting("5"), &hours), Likeness::PassageOf { .. }));
    assert!(matches!(likeness(&quoting("15"), &hours), Likeness::Different { .. }));
}

#[test]
fn shares_are_of_words_in_a_row() {
    let half = "un deux trois quatre cinq six sept huit neuf dix";
    let Likeness::Similar { shares, .. } = likeness(half, &format!("{half} alpha beta gamma delta epsilon"))
    else {
        panic!()
    };
    assert_eq!((shares.first.percent(), shares.second.percent()), (100, 66));
    assert!(matches!(
        likeness(half, "dix neuf huit sept six cinq quatre trois deux un"),
        Likeness::Different { .. }
    ));
    assert!(matches!(likeness("", half), Likeness::Different { .. }));
}

fn swapped(likeness: Likeness) -> Likeness {
    let shares_of = |shares: Shares| Shares { first: shares.second, second: shares.first };
    let figures_of = |figures: Vec<FigureChange>| -> Vec<FigureChange> {
        figures.into_iter().map(|one| FigureChange { first: one.second, second: one.first }).collect()
    };
    match likeness {
        Likeness::SameWordingButNumbers { figures } => {
            Likeness::SameWordingButNumbers { figures: figures_of(figures) }
        }
        Likeness::Similar { shares, .. } => {
            Likeness::Similar { shares: shares_of(shares), figures: Vec::new() }
        }
        Likeness::Different { shares } => Likeness::Different { shares: shares_of(shares) },
        other => other,
    }
}

proptest! {
    #[test]
    fn a_text_reflowed_is_the_same(words in prop::collection::vec("[a-zé0-9.,-]{1,8}", 0..40), wrap in 2usize..9) {
        let plain = words.join(" ");
        let lines: Vec<String> = words.chunks(wrap).map(|line| line.join("\u{a0}")).collect();
        // A hyphen at a line's end says that a word goes on.
        prop_assume!(lines.iter().all(|line| !line.ends_with('-')));
        prop_assert_eq!(likeness(&plain, &lines.join("\n")), Likeness::SameWording);
    }

    #[test]
    fn it_is_symmetric_and_always_the_same(one in "([a-c]{1,2} |[1-3]\\.? ){0,24}", other in "([a-c]{1,2} |[1-3]\\.? ){0,24}") {
        let (there, back) = (likeness(&one, &other), likeness(&other, &one));
        prop_assert_eq!(&there, &likeness(&one, &other));
        let plain = |likeness: Likeness| match likeness {
            Likeness::Similar { shares, .. } => Likeness::Similar { shares, figures: Vec::new() },
            other => other,
        };
        match (there, back) {
            (Likeness::PassageOf { .. }, Likeness::PassageOf { .. }) => {}
            (there, back) => prop_assert_eq!(plain(there), swapped(back)),
        }
    }

    #[test]
    fn never_panics(one: String, other: String) {
        likeness(&one, &other);
    }
}
