//! The pages' instructions → glyphs with Unicode and place.

use hayro_interpret::font::GlyphRun;
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, interpret_page,
};
use hayro_syntax::Pdf;

use crate::article::ReadError;
use crate::base::limits;

/// A glyph on a page. Units are points, the origin is the upper left corner.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    /// What it stands for; U+FFFD where the font does not say.
    pub text: String,
    /// Left and right end on the baseline.
    pub left: f64,
    pub right: f64,
    /// The baseline.
    pub y: f64,
    /// The font's size.
    pub size: f64,
}

/// What was read of a file.
pub(super) struct Read {
    pub pages: Vec<Vec<Glyph>>,
    /// Whether most of the text is drawn invisibly, as scanners' software does over a picture.
    pub ocr: bool,
}

/// Runs all pages.
///
/// # Errors
/// [`ReadError::LimitPassed`].
pub(super) fn read(pdf: &Pdf) -> Result<Read, ReadError> {
    let cache = InterpreterCache::new();
    let settings =
        InterpreterSettings { warning_sink: std::sync::Arc::new(|_| {}), ..InterpreterSettings::default() };
    let mut pages = Vec::new();
    let (mut all, mut invisible) = (0, 0);
    for page in pdf.pages().iter() {
        let upright = Affine::new(page.initial_transform(true).as_coeffs());
        let (width, height) = page.render_dimensions();
        let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        let mut context = Context::new(upright, bounds, &cache, pdf.xref(), settings.clone());
        let mut collector =
            Collector { bounds, glyphs: Vec::new(), invisible: 0, left: limits::PDF_MAX_GLYPHS - all };
        interpret_page(page, &mut context, &mut collector);
        if collector.left == 0 {
            let limit = limits::PDF_MAX_GLYPHS as u64;
            return Err(ReadError::LimitPassed { format: "PDF".into(), what: "glyphs".into(), limit });
        }
        all += collector.glyphs.len();
        invisible += collector.invisible;
        pages.push(collector.glyphs);
    }
    Ok(Read { pages, ocr: invisible * 2 > all && all > 0 })
}

struct Collector {
    bounds: Rect,
    glyphs: Vec<Glyph>,
    invisible: usize,
    left: usize,
}

impl Device<'_> for Collector {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, mode: &DrawMode) {
        for glyph in run.glyphs() {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let text = match glyph.as_unicode() {
                Some(BfString::Char(c)) => c.to_string(),
                Some(BfString::String(text)) => text,
                None => "\u{fffd}".to_owned(),
            };
            let place = props.transform * glyph.transform();
            let advance = match &**glyph {
                hayro_interpret::font::Glyph::Outline(outline) => outline.advance_width(),
                hayro_interpret::font::Glyph::Type3(drawn) => drawn.advance_width(),
            };
            let origin = place * Point::ZERO;
            let end = place * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
            let top = place * Point::new(0.0, 1000.0);
            let size = (top - origin).hypot();
            let finite = [origin.x, origin.y, end.x, end.y, size].iter().all(|value| value.is_finite());
            // Slanted text is a stamp or a watermark; what lies outside of the page is not shown.
            let level = (end.y - origin.y).abs() <= 0.2 * (end.x - origin.x).abs().max(0.01 * size);
            if !finite || size < 0.5 || !level || !self.bounds.inflate(1.0, 1.0).contains(origin) {
                continue;
            }
            self.invisible += usize::from(matches!(mode, DrawMode::Invisible));
            let (left, right) = (origin.x.min(end.x), origin.x.max(end.x));
            self.glyphs.push(Glyph { text, left, right, y: origin.y, size });
        }
    }
}
