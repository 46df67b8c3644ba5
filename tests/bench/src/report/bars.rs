//! Bars side by side, with the middle half of their samples, as SVG.

use anyhow::Result;
use plotters::prelude::{
    ChartBuilder, Color, IntoDrawingArea, IntoSegmentedCoord, PathElement, Rectangle, SVGBackend,
    SegmentValue, WHITE,
};

use super::plot::{COLOURS, SIZE, file_name, svg};
use crate::stats::Spread;

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Bars {
    /// Names the file too.
    pub(crate) title: String,
    /// Of the vertical axis.
    pub(crate) up: String,
    /// Name and value of each bar.
    pub(crate) bars: Vec<(String, Spread)>,
}

impl Bars {
    /// The name of its file.
    pub(crate) fn file(&self) -> String {
        file_name(&self.title)
    }

    /// The picture.
    pub(crate) fn svg(&self) -> Result<String> {
        svg(&self.title, |svg| self.draw(svg))
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let top = self.bars.iter().map(|(_, value)| value.p75.max(value.median)).fold(0.0, f64::max);
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d((0..self.bars.len()).into_segmented(), 0.0..top * 1.15)?;
        let name = |place: &SegmentValue<usize>| match place {
            SegmentValue::CenterOf(place) => {
                self.bars.get(*place).map_or_else(String::new, |(name, _)| name.clone())
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(self.bars.len())
            .x_label_formatter(&name)
            .y_desc(&self.up)
            .light_line_style(WHITE)
            .draw()?;
        for (place, (_, value)) in self.bars.iter().enumerate() {
            let foot = (SegmentValue::Exact(place), 0.0);
            let top = (SegmentValue::Exact(place + 1), value.median);
            let mut bar = Rectangle::new([foot, top], COLOURS[0].mix(0.6).filled());
            bar.set_margin(0, 0, 24, 24);
            let middle = [value.p25, value.p75].map(|height| (SegmentValue::CenterOf(place), height));
            chart.draw_series([bar])?;
            chart.draw_series([PathElement::new(middle, COLOURS[1].stroke_width(3))])?;
        }
        area.present()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_is_drawn_with_its_name() {
        let bars = [("bare".to_owned(), Spread::of([1.0])), ("peer".to_owned(), Spread::of([0.4, 0.6]))];
        let picture = Bars { title: "UDP, one way".to_owned(), up: "× bare".to_owned(), bars: bars.into() };
        let svg = picture.svg().unwrap();
        assert!(svg.contains("bare") && svg.contains("peer"), "{svg}");
        assert_eq!(picture.file(), "udp-one-way.svg");
    }
}
