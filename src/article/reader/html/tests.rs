//! Pages in the manner of newsrooms' systems, each for one thing that pages do.

use crate::article::{Article, ReadOptions, read};

const ONE: &str = "Le port a rouvert mardi matin, et la criée a repris dans la journée, devant une foule venue nombreuse malgré le froid.";
const TWO: &str =
    "Les pêcheurs, eux, attendaient depuis trois semaines que la tempête passe et que la jetée soit réparée.";
const THREE: &str =
    "La mairie promet une digue plus haute avant l'hiver prochain, sans dire encore qui devra la payer.";
const OTHER: &str =
    "Une autre nouvelle, sans rapport avec la première, occupe ici la place que les lecteurs regardent peu.";

fn page(head: &str, body: &str) -> Article {
    let html = format!(
        "<!doctype html><html lang=fr><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"
    );
    read(html.as_bytes(), &ReadOptions::default()).unwrap()
}

fn article(body: &str) -> Article {
    page("<title>Le port rouvre - Le Phare</title><meta property=og:title content='Le port rouvre'>", body)
}

fn paragraphs(article: &Article) -> Vec<&str> {
    article.text.split("\n\n").collect()
}

fn bylines(article: &Article) -> Vec<&str> {
    article.bylines.iter().map(|byline| byline.as_printed.as_str()).collect()
}

#[test]
fn navigation_boxes_and_calls_are_left_out() {
    let read = article(&format!(
        "<nav><ul><li><a href=/a>Accueil</a><li><a href=/b>Monde</a></ul></nav>\
         <article><h1>Le port rouvre</h1><div class=share-buttons>Partager</div><p>{ONE}</p>\
         <p>Lire aussi : la criée en danger</p><aside><p>{OTHER}</p></aside><p>{TWO}</p>\
         <figure><img src=x><figcaption>Le port, mardi, vu de la jetée, au petit matin.</figcaption></figure><p>{THREE}</p></article>\
         <div class=related-articles><p>{OTHER}</p></div><footer><p>{OTHER}</p></footer>"
    ));
    assert_eq!(paragraphs(&read), [ONE, TWO, THREE]);
}

#[test]
fn teasers_in_a_list_beside_the_article_are_no_part_of_it() {
    let teasers: String =
        (0..6).map(|_| format!("<li><a href=/x>Titre</a> <span>{OTHER}</span></li>")).collect();
    let read = article(&format!(
        "<div class=main-content-left><ul>{teasers}</ul><div class=main-article-content>\
         <div><p>{ONE} {TWO}</p><p>{TWO} {THREE}</p><p>{THREE} {ONE}</p></div></div></div>"
    ));
    assert!(read.text.starts_with(ONE) && !read.text.contains(OTHER), "{}", read.text);
}

#[test]
fn a_list_may_be_the_article() {
    let items: String = [ONE, TWO, THREE].iter().map(|text| format!("<li>{text}</li>")).collect();
    let read = article(&format!("<article><h1>Le port rouvre</h1><ol>{items}</ol></article>"));
    assert_eq!(paragraphs(&read), [ONE, TWO, THREE]);
}

#[test]
fn sentences_that_are_mostly_a_link_stay() {
    let read = article(&format!(
        "<div class=post-content><p>{ONE}</p><ol><li><a href=/x>La mairie annonce une digue plus haute pour l'hiver</a>. \
         Elle coûtera cher.</li></ol><p>{TWO}</p></div>"
    ));
    let wanted = [ONE, "La mairie annonce une digue plus haute pour l'hiver. Elle coûtera cher.", TWO];
    assert_eq!(paragraphs(&read), wanted);
}

#[test]
fn the_article_with_the_page_s_title_is_taken_and_not_the_next_one() {
    let long = |text: &str| format!("<p>{text}</p>").repeat(8);
    let read = article(&format!(
        "<main><article><h1>Le port <span>rouvre</span></h1>{}</article>\
         <article><h1>Autre chose</h1>{}{}</article></main>",
        long(ONE),
        long(OTHER),
        long(OTHER)
    ));
    assert!(read.text.contains(ONE) && !read.text.contains(OTHER), "{}", read.text);
}

#[test]
fn a_copy_of_the_article_below_it_is_read_once() {
    let once = format!(
        "<div><h1>Le port rouvre</h1><div class=text><p>{ONE}</p><p>{TWO}</p><p>{THREE}</p></div></div>"
    );
    let read = article(&format!("<div class=content>{}</div>", once.repeat(3)));
    assert_eq!(paragraphs(&read), [ONE, TWO, THREE]);
}

#[test]
fn a_table_keeps_its_rows() {
    let row = |cells: [&str; 3]| {
        format!("<tr class=player><td>{}</td><td>{}</td><td>{}</td></tr>", cells[0], cells[1], cells[2])
    };
    let read = article(&format!(
        "<article><h1>Le port rouvre</h1><p>{ONE}</p><table><tbody>{}{}{}</tbody></table><p>{TWO}</p></article>",
        row(["Rang", "Port", "Tonnes"]),
        row(["1", "Lorient", "17 300"]),
        row(["2", "Boulogne", "16 900"])
    ));
    assert_eq!(paragraphs(&read), [ONE, "Rang\tPort\tTonnes\n1\tLorient\t17 300\n2\tBoulogne\t16 900", TWO]);
}

#[test]
fn words_set_apart_inside_a_caption_or_a_paragraph_do_not_cut_it() {
    let read = article(&format!(
        "<article class=has-caption><div class='articleHeader hasCaption'><h1>Le port <span class=big>rouvre</span></h1></div>\
         <p>{ONE} <span class=x>Et <b>le</b> reste.</span></p><p>{TWO}</p></article>"
    ));
    assert_eq!(read.title.as_ref().unwrap().value, "Le port rouvre");
    assert_eq!(paragraphs(&read), [format!("{ONE} Et le reste.").as_str(), TWO]);
}

#[test]
fn the_summary_between_title_and_text_is_text() {
    let lead = "Après trois semaines de tempête, la criée a repris et les bateaux sont rentrés.";
    let read = article(&format!(
        "<article><header><h1>Le port rouvre</h1><p class=chapo>{lead}</p><p class=author>Par Awa Diallo</p></header>\
         <div><p>{ONE}</p><p>{TWO}</p></div></article>"
    ));
    assert_eq!(paragraphs(&read), [lead, ONE, TWO]);
    assert_eq!(bylines(&read), ["Awa Diallo"]);
}

#[test]
fn the_author_is_found_in_each_of_the_places_where_pages_say_it() {
    let text = format!("<p>{ONE}</p><p>{TWO}</p><p>{THREE}</p>");
    let linked = r#"<script type="application/ld+json">{"@context":"https://schema.org","@type":"NewsArticle","headline":"Le port rouvre","author":[{"@type":"Person","name":"Awa Diallo"}]}</script>"#;
    for (place, head, body) in [
        ("json-ld", linked, format!("<article><h1>Le port rouvre</h1>{text}</article>")),
        (
            "meta",
            "<meta name=author content='Awa Diallo'>",
            format!("<article><h1>Le port rouvre</h1>{text}</article>"),
        ),
        ("dublin core", "<meta name=DC.creator content='Awa Diallo'>", format!("<article>{text}</article>")),
        (
            "article:author",
            "<meta property=article:author content='Awa Diallo'>",
            format!("<article>{text}</article>"),
        ),
        (
            "card label",
            "<meta name=twitter:label1 content='Écrit par'><meta name=twitter:data1 content='Awa Diallo'>",
            format!("<article>{text}</article>"),
        ),
        (
            "rel",
            "",
            format!("<article><h1>Le port rouvre</h1><a rel=author href=/a>Awa Diallo</a>{text}</article>"),
        ),
        (
            "microdata",
            "",
            format!(
                "<article itemscope itemtype='https://schema.org/NewsArticle'><h1 itemprop=headline>Le port rouvre</h1>\
                 <span itemprop=author itemscope><span itemprop=name>Awa Diallo</span></span>{text}</article>"
            ),
        ),
        (
            "class",
            "",
            format!("<article><h1>Le port rouvre</h1><div class=byline>Par Awa Diallo</div>{text}</article>"),
        ),
        (
            "address",
            "",
            format!(
                "<article><h1>Le port rouvre</h1><a href='/auteur/awa-diallo'>Awa Diallo</a>{text}</article>"
            ),
        ),
        ("line", "", format!("<article><h1>Le port rouvre</h1><p>Par Awa Diallo</p>{text}</article>")),
    ] {
        assert_eq!(bylines(&page(head, &body)), ["Awa Diallo"], "{place}");
    }
}

#[test]
fn an_agency_in_the_author_s_place_is_an_origin() {
    let text = format!("<p>{ONE}</p><p>{TWO}</p><p>{THREE}</p>");
    for head in [
        "<meta name=author content=AFP>",
        r#"<script type="application/ld+json">{"@type":"NewsArticle","author":{"@type":"Person","name":"AFP"}}</script>"#,
    ] {
        let read = page(head, &format!("<article><h1>Le port rouvre</h1>{text}</article>"));
        assert_eq!(bylines(&read), [""; 0]);
        assert_eq!(read.claimed_origins[0].as_printed, "AFP", "{head}");
    }
}

#[test]
fn readings_that_agree_are_named_and_make_the_claim_strong() {
    let read = page(
        r#"<script type="application/ld+json">{"@type":"NewsArticle","author":{"@type":"Person","name":"Awa Diallo"}}</script>"#,
        &format!(
            "<article><h1>Le port rouvre</h1><p class=byline>Par Awa Diallo</p><p>{ONE}</p><p>{TWO}</p></article>"
        ),
    );
    assert_eq!(bylines(&read), ["Awa Diallo"]);
    assert_eq!(read.bylines[0].evidence.strength(), crate::article::Strength::Strong);
}

#[test]
fn the_day_of_publication_is_not_that_of_a_change() {
    for (place, head, body) in [
        (
            "meta",
            "<meta property=article:modified_time content=2024-05-09T10:00:00Z><meta property=article:published_time content=2024-05-02T08:00:00Z>",
            "",
        ),
        (
            "json-ld",
            r#"<script type="application/ld+json">{"@type":"NewsArticle","dateModified":"2024-05-09","datePublished":"2024-05-02"}</script>"#,
            "",
        ),
        ("class", "", "<time class='date updated published' datetime=2024-05-02>2 mai 2024</time>"),
        ("line", "", "<div class=info>2 mai 2024</div>"),
    ] {
        let read =
            page(head, &format!("<article><h1>Le port rouvre</h1>{body}<p>{ONE}</p><p>{TWO}</p></article>"));
        let day = read.published_at.as_ref().map(|published| published.value.get(..10).unwrap_or_default());
        assert_eq!(day, Some("2024-05-02"), "{place}");
    }
}

#[test]
fn metadata_that_lie_about_the_text_are_not_followed() {
    let read = page(
        r#"<script type="application/ld+json">{"@type":"NewsArticle","articleBody":"Un tout autre texte, que la page ne montre nulle part, et qui ne doit pas être pris pour le sien."}</script>"#,
        &format!("<article><h1>Le port rouvre</h1><p>{ONE}</p><p>{TWO}</p></article>"),
    );
    assert_eq!(paragraphs(&read), [ONE, TWO]);
}

#[test]
fn what_readers_do_not_see_is_not_the_text() {
    let read = article(&format!(
        "<article><h1>Le port rouvre</h1><p>{ONE}</p><p style='display:none'>{OTHER}</p><p hidden>{OTHER}</p>\
         <template><p>{OTHER}</p></template><noscript><p>{OTHER}</p></noscript><p>{TWO}</p></article>"
    ));
    assert_eq!(paragraphs(&read), [ONE, TWO]);
}
