//! Lines over an axis of powers of ten, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::{
    ChartBuilder, Circle, EmptyElement, IntoDrawingArea, IntoLogRange, LineSeries, PointSeries, RGBColor,
    SVGBackend, WHITE,
};

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    /// Names the file too.
    pub(crate) title: String,
    /// Of the horizontal axis.
    pub(crate) across: String,
    /// Of the vertical axis.
    pub(crate) up: String,
    /// The lines.
    pub(crate) series: Vec<Series>,
}

/// A line.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// For the legend.
    pub(crate) name: String,
    /// Points; the first coordinate above zero.
    pub(crate) points: Vec<(f64, f64)>,
}

pub(super) const SIZE: (u32, u32) = (760, 420);
/// Told apart by everybody (Okabe and Ito's palette).
pub(super) const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// The name of a picture's file.
pub(super) fn file_name(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    format!("{}.svg", words.join("-"))
}

/// What is drawn under a title, as SVG.
pub(super) fn svg(
    title: &str,
    draw: impl FnOnce(&mut String) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<String> {
    let mut svg = String::new();
    draw(&mut svg).map_err(|error| anyhow!("cannot draw `{title}`: {error}"))?;
    Ok(svg)
}

impl Plot {
    /// The name of its file.
    pub(crate) fn file(&self) -> String {
        file_name(&self.title)
    }

    /// The picture.
    pub(crate) fn svg(&self) -> Result<String> {
        svg(&self.title, |svg| self.draw(svg))
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let least = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
        let most = points().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
        let top = points().map(|point| point.1).fold(0.0, f64::max);
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d((least..most).log_scale(), 0.0..top * 1.15)?;
        chart.configure_mesh().x_desc(&self.across).y_desc(&self.up).light_line_style(WHITE).draw()?;
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let colour = *colour;
            chart
                .draw_series(LineSeries::new(series.points.iter().copied(), colour))?
                .label(&series.name)
                .legend(move |(x, y)| EmptyElement::at((x, y)) + Circle::new((10, 0), 4, colour));
            chart.draw_series(PointSeries::of_element(
                series.points.iter().copied(),
                3,
                colour,
                &|at, size, style| EmptyElement::at(at) + Circle::new((0, 0), size, style),
            ))?;
        }
        chart.configure_series_labels().background_style(WHITE).border_style(COLOURS[0]).draw()?;
        area.present()?;
        Ok(())
    }
}
