//! One page's instructions → glyphs with Unicode and place.
//!
//! What a glyph stands for is said by the font (`ToUnicode`, glyph names), or by an `/ActualText` around it (ISO 32000-2,
//! 14.9.4), which programs write where one cluster of glyphs is one cluster of letters:
//! `/Span <</ActualText <FEFF09390940>>> BDC … EMC`. An `/ActualText` that would change figures is not believed.

use hayro_interpret::font::{Glyph as Shape, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Shape as _};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, RenderContent, SoftMask, interpret_page,
};
use hayro_syntax::Pdf;
use hayro_syntax::object::{Dict, Name, String as PdfString};
use hayro_syntax::page::Page as PdfPage;

use super::declared;
use super::direction::figure;
use crate::base::limits;

/// Ways that text can run on a page: upright, a quarter turn to the right, upside down, a quarter turn to the left.
pub(super) const TURNS: usize = 4;

/// A glyph on a page turned so that its text runs from left to right. Units are points, y grows downwards.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    /// What it stands for; U+FFFD where the file does not say.
    pub text: String,
    /// Left end on the baseline.
    pub left: f64,
    /// Right end on the baseline.
    pub right: f64,
    /// The baseline.
    pub y: f64,
    /// The font's size.
    pub size: f64,
    /// Whether the file calls it a running title, a page number or the like.
    pub artifact: bool,
}

/// What was read of a page.
#[derive(Debug, Default)]
pub(super) struct Glyphs {
    /// By the way the text runs.
    pub turned: [Vec<Glyph>; TURNS],
    /// How many are drawn invisibly, as scanners' software does over a picture.
    pub invisible: usize,
    /// How many lie outside of the page or of what is cut out for them.
    pub outside: usize,
    /// How many run aslant, as stamps and watermarks do.
    pub slanted: usize,
    /// Whether there were more than [`limits::PDF_MAX_PAGE_GLYPHS`].
    pub too_many: bool,
}

impl Glyphs {
    /// How many glyphs are kept.
    pub(super) fn len(&self) -> usize {
        self.turned.iter().map(Vec::len).sum()
    }
}

/// Settings: comments and form fields, which are laid over a page, are not of its text.
pub(super) fn settings() -> InterpreterSettings {
    InterpreterSettings { render_content: RenderContent::PAGE, ..InterpreterSettings::default() }
}

/// Runs one page.
pub(super) fn read<'a>(
    pdf: &'a Pdf,
    page: &PdfPage<'a>,
    cache: &InterpreterCache<'a>,
    settings: &InterpreterSettings,
) -> Glyphs {
    let upright = Affine::new(page.initial_transform(true).as_coeffs().map(f64::from));
    let (width, height) = page.render_dimensions();
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let mut context = Context::new(upright, bounds, cache, pdf.xref(), settings.clone());
    let mut collector = Collector { clips: vec![bounds], ..Collector::default() };
    interpret_page(page, &mut context, &mut collector);
    while !collector.marks.is_empty() {
        collector.end_mark();
    }
    collector.out
}

/// An open marked-content sequence.
struct Mark {
    actual: Option<String>,
    artifact: bool,
    /// Where its glyphs begin among those that wait for their `/ActualText`.
    from: usize,
}

#[derive(Default)]
struct Collector {
    out: Glyphs,
    clips: Vec<Rect>,
    marks: Vec<Mark>,
    /// Open marks with an `/ActualText`, and open artifacts.
    open: (usize, usize),
    waiting: Vec<(usize, Glyph)>,
    seen: usize,
}

impl Collector {
    fn push_clip(&mut self, rect: Rect) {
        let inner = self.clips.last().map_or(rect, |outer| outer.intersect(rect));
        self.clips.push(inner);
    }

    fn push(&mut self, turn: usize, glyph: Glyph) {
        if self.open.0 > 0 {
            self.waiting.push((turn, glyph));
        } else if let Some(glyphs) = self.out.turned.get_mut(turn) {
            glyphs.push(glyph);
        }
    }

    fn end_mark(&mut self) {
        let Some(mark) = self.marks.pop() else { return };
        self.open.1 -= usize::from(mark.artifact);
        let Some(actual) = mark.actual else { return };
        self.open.0 -= 1;
        let glyphs = self.waiting.split_off(mark.from.min(self.waiting.len()));
        match as_one(&glyphs, &actual) {
            Some((turn, glyph)) => self.push(turn, glyph),
            None => glyphs.into_iter().for_each(|(turn, glyph)| self.push(turn, glyph)),
        }
    }

    fn place(&mut self, glyph: &Shape<'_>, place: Affine, vertical: bool) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(c)) => c.to_string(),
            Some(BfString::String(text)) => text,
            None => "\u{fffd}".to_owned(),
        };
        let advance = match glyph {
            Shape::Outline(outline) => outline.advance_width(),
            Shape::Type3(drawn) => drawn.advance_width(),
        };
        let origin = place * Point::ZERO;
        let end = place * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
        let up = place * Point::new(0.0, 1000.0) - origin;
        let along = place * Point::new(1000.0, 0.0) - origin;
        let size = up.hypot();
        let numbers = [origin.x, origin.y, end.x, end.y, size, along.x, along.y];
        // A file may say any number; only those of a page are of use.
        if numbers.iter().any(|value| !value.is_finite() || value.abs() > 1e6) || size < 0.5 {
            self.out.outside += 1;
            return;
        }
        let middle = origin.midpoint(end);
        if !self.clips.last().is_some_and(|clip| clip.inflate(1.0, 0.5 * size).contains(middle)) {
            self.out.outside += 1;
            return;
        }
        let artifact = self.open.1 > 0;
        let (across, down) = (along.x.abs(), along.y.abs());
        let turn = match (across >= down, along.x > 0.0, along.y > 0.0) {
            (true, ..) if down > 0.2 * across => None,
            (false, ..) if across > 0.2 * down => None,
            // Mirrored text stays where it is: only a half turn also puts its top down.
            (true, true, _) => Some(0),
            (true, false, _) => Some(if up.y > 0.0 { 2 } else { 0 }),
            (false, _, true) => Some(1),
            (false, _, false) => Some(3),
        };
        let Some(turn) = turn else {
            self.out.slanted += 1;
            return;
        };
        if vertical && turn == 0 {
            // Columns of upright signs are read as lines of a page turned to the left.
            let middle = origin + along * 0.5;
            let y = -(middle.x - 0.3 * size);
            let (left, right) = (origin.y - 0.88 * size, origin.y + 0.12 * size);
            return self.push(1, Glyph { text, left, right, y, size, artifact });
        }
        let turned = |point: Point| match turn {
            0 => point,
            1 => Point::new(point.y, -point.x),
            2 => Point::new(-point.x, -point.y),
            _ => Point::new(-point.y, point.x),
        };
        let (origin, end) = (turned(origin), turned(end));
        let (left, right) = (origin.x.min(end.x), origin.x.max(end.x));
        self.push(turn, Glyph { text, left, right, y: origin.y, size, artifact });
    }
}

impl Device<'_> for Collector {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn push_clip_path(&mut self, clip: &ClipPath) {
        self.push_clip(clip.path.bounding_box());
    }
    fn push_clip_rect(&mut self, rect: &Rect) {
        self.push_clip(*rect);
    }
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn pop_clip(&mut self) {
        // The page's own edge stays.
        if self.clips.len() > 1 {
            self.clips.pop();
        }
    }
    fn pop_transparency_group(&mut self) {}

    fn begin_marked_content(&mut self, tag: &[u8], properties: Option<&Dict<'_>>) {
        let actual = properties
            .and_then(|dict| dict.get::<PdfString<'_>>(b"ActualText"))
            .filter(|text| text.as_bytes().len() <= limits::PDF_MAX_ACTUAL_TEXT_BYTES)
            .map(|text| declared::string(text.as_bytes()));
        // Pagination: ISO 32000-2, table 363. Other artifacts, such as rules and shading, have no text.
        let artifact = tag == b"Artifact"
            && properties
                .and_then(|dict| dict.get::<Name<'_>>(b"Type"))
                .is_some_and(|kind| kind.as_ref() == b"Pagination");
        self.open.0 += usize::from(actual.is_some());
        self.open.1 += usize::from(artifact);
        self.marks.push(Mark { actual, artifact, from: self.waiting.len() });
    }

    fn end_marked_content(&mut self) {
        self.end_mark();
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, mode: &DrawMode) {
        let vertical = matches!(run.writing_mode(), WritingMode::Vertical);
        for glyph in run.glyphs() {
            if self.seen >= limits::PDF_MAX_PAGE_GLYPHS {
                self.out.too_many = true;
                return;
            }
            self.seen += 1;
            self.out.invisible += usize::from(matches!(mode, DrawMode::Invisible));
            self.place(glyph, props.transform * glyph.transform(), vertical);
        }
    }
}

/// Makes one glyph of those that an `/ActualText` stands for; `None` where it may not be believed: they do not stand on one
/// line, or their own figures are others.
fn as_one(glyphs: &[(usize, Glyph)], actual: &str) -> Option<(usize, Glyph)> {
    let (turn, first) = glyphs.first()?;
    let level = |(way, glyph): &(usize, Glyph)| {
        way == turn && (glyph.y - first.y).abs() <= 0.6 * first.size.max(glyph.size)
    };
    if !glyphs.iter().all(level) {
        return None;
    }
    let own = || glyphs.iter().flat_map(|(_, glyph)| glyph.text.chars());
    let figures = |text: &mut dyn Iterator<Item = char>| {
        let mut figures: Vec<u32> = text.filter_map(figure).collect();
        figures.sort_unstable();
        figures
    };
    if own().all(|c| c != '\u{fffd}') && figures(&mut own()) != figures(&mut actual.chars()) {
        return None;
    }
    let mut one = Glyph { text: actual.to_owned(), ..first.clone() };
    for (_, glyph) in glyphs {
        one.left = one.left.min(glyph.left);
        one.right = one.right.max(glyph.right);
        one.size = one.size.max(glyph.size);
    }
    Some((*turn, one))
}
