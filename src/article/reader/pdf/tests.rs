use super::*;

/// A PDF of one page with a standard font: each line at its place.
fn pdf(lines: &[(f64, f64, f64, &str)]) -> Vec<u8> {
    let mut content = String::from("BT ");
    for (x, y, size, text) in lines {
        let code = |c: char| match c {
            '\\' | '(' | ')' => format!("\\{c}"),
            c if c.is_ascii() => c.to_string(),
            c => format!("\\{:03o}", c as u32),
        };
        let text: String = text.chars().map(code).collect();
        content.push_str(&format!("/F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj "));
    }
    content.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        "<< /Title (Le port) /Author (Awa Diallo) >>".to_owned(),
    ];
    let mut out = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", number + 1));
    }
    let start = out.len();
    out.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        out.push_str(&format!("{place:010} 00000 n \n"));
    }
    out.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R /Info 6 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    out.into_bytes()
}

fn read(lines: &[(f64, f64, f64, &str)]) -> Extract {
    extract(&pdf(lines), &ReadOptions::default()).unwrap()
}

#[test]
fn lines_become_paragraphs() {
    let out = read(&[
        (50.0, 700.0, 20.0, "Les bateaux rentrent"),
        (50.0, 660.0, 11.0, "Les 12 bateaux sont rentrés lundi 16.02.2026 après la tem-"),
        (50.0, 646.0, 11.0, "pête, a dit le maire du port."),
        (50.0, 610.0, 11.0, "Le port a rouvert (enfin) mardi."),
    ]);
    assert_eq!(
        out.text,
        "Les bateaux rentrent\n\nLes 12 bateaux sont rentrés lundi 16.02.2026 après la tem-\npête, a dit le maire du port.\n\nLe port a rouvert (enfin) mardi."
    );
    assert_eq!(&out.text[out.headings[0].clone()], "Les bateaux rentrent");
    let values: Vec<&str> = out.declared.iter().map(|one| one.value.as_str()).collect();
    assert_eq!(values, ["Le port", "Awa Diallo"]);
}

#[test]
fn columns_are_read_one_after_the_other() {
    let mut lines = vec![(50.0, 740.0, 18.0, "Un titre sur toute la largeur de la page du journal")];
    let left = [
        "La colonne de gauche",
        "commence ici et elle",
        "continue jusqu'en bas",
        "de la page du journal",
        "avec cinq lignes.",
    ];
    let right = [
        "La colonne de droite",
        "vient ensuite, jamais",
        "ligne par ligne avec",
        "celle qui est a gauche",
        "sur la page.",
    ];
    for (at, (left, right)) in left.iter().zip(right).enumerate() {
        let y = 700.0 - 14.0 * at as f64;
        lines.push((50.0, y, 11.0, left));
        lines.push((320.0, y, 11.0, right));
    }
    let out = read(&lines).text;
    let place = |words: &str| out.find(words).unwrap_or_else(|| panic!("{words} in {out}"));
    assert!(place("Un titre") < place("La colonne de gauche"));
    assert!(place("avec cinq lignes") < place("La colonne de droite"), "{out}");
}

#[test]
fn a_scan_is_known_by_its_bytes() {
    let out = extract(&pdf(&[]), &ReadOptions::default()).unwrap();
    assert!(out.text.is_empty());
    assert_eq!(out.warnings, [Warning::NoTextLayer { pages: 1 }]);
}

#[test]
fn damaged_files_are_bounded() {
    let bytes = pdf(&[(50.0, 700.0, 12.0, "Les 12 bateaux"), (50.0, 680.0, 12.0, "sont la.")]);
    for end in (0..bytes.len()).step_by(7) {
        let _ = extract(&bytes[..end], &ReadOptions::default());
    }
    for at in (0..bytes.len()).step_by(3) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x55;
        let _ = extract(&bytes, &ReadOptions::default());
    }
    assert!(matches!(extract(b"%PDF-1.4\nnothing", &ReadOptions::default()), Err(ReadError::Damaged { .. })));
}

/// Files of several producers in scripts that run from right to left; each has its text beside it.
#[test]
fn right_to_left_files() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pdf");
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "pdf") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_string_lossy().split('.').next().unwrap().to_owned();
        let expected = std::fs::read_to_string(path.with_file_name(format!("{stem}.txt"))).unwrap();
        let out = extract(&std::fs::read(&path).unwrap(), &ReadOptions::default()).unwrap();
        assert_eq!(words(&out.text), words(&expected), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 2);
}
