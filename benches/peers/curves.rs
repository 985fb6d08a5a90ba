//! Small line charts as SVG, legible on light and dark pages.

use std::fmt::Write as _;

use crate::Outcome;

/// Charts side by side, with one legend.
pub(crate) struct Charts {
    pub(crate) panels: Vec<Panel>,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) scale: Scale,
}

/// One chart.
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
}

/// One line; the same name has the same colour in all panels.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// How both axes are drawn.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// Apart from each other also for eyes that see no red or no green, and on both backgrounds.
const COLOURS: [&str; 5] = ["#d55e00", "#0072b2", "#009e73", "#b07aa1", "#8c8c8c"];
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 52.0;
const GAP: f64 = 66.0;

impl Charts {
    pub(crate) fn svg(&self) -> Outcome<String> {
        let count = u32::try_from(self.panels.len())?;
        let width = LEFT + f64::from(count) * (WIDTH + GAP);
        let height = TOP + HEIGHT + 46.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n<style>text {{ fill: #57606a }} \
             .grid {{ stroke: #8c959f; stroke-opacity: .35 }} \
             @media (prefers-color-scheme: dark) {{ text {{ fill: #9da7b1 }} }}</style>\n"
        );
        let names = self.names();
        for (name, (colour, at)) in names.iter().zip(COLOURS.iter().zip(0_u32..)) {
            let x = LEFT + f64::from(at) * 150.0;
            writeln!(
                svg,
                "<path d=\"M{x:.0} 12h22\" stroke=\"{colour}\" stroke-width=\"2.5\"/>\
                 <text x=\"{:.0}\" y=\"16\">{name}</text>",
                x + 28.0
            )?;
        }
        for (panel, at) in self.panels.iter().zip(0_u32..) {
            self.draw(&mut svg, panel, LEFT + f64::from(at) * (WIDTH + GAP), &names)?;
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }

    fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for line in self.panels.iter().flat_map(|panel| &panel.lines) {
            if !names.contains(&line.name) {
                names.push(line.name);
            }
        }
        names
    }

    fn draw(&self, svg: &mut String, panel: &Panel, left: f64, names: &[&str]) -> Outcome<()> {
        let points = || panel.lines.iter().flat_map(|line| &line.points);
        let x = Axis::over(points().map(|point| point.0), self.scale);
        let y = Axis::over(points().map(|point| point.1), self.scale);
        let bottom = TOP + HEIGHT;
        let across = |value: f64| left + x.share(value) * WIDTH;
        let up = |value: f64| bottom - y.share(value) * HEIGHT;
        let middle = left + WIDTH / 2.0;
        writeln!(
            svg,
            "<text x=\"{middle:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}, {}</text>\
             <text x=\"{middle:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            TOP - 12.0,
            panel.title,
            self.y,
            bottom + 34.0,
            self.x
        )?;
        for value in y.ticks() {
            let height = up(value);
            writeln!(
                svg,
                "<path class=\"grid\" d=\"M{left:.0} {height:.1}h{WIDTH:.0}\"/>\
                 <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                left - 6.0,
                height + 4.0
            )?;
        }
        for value in x.ticks() {
            let place = across(value);
            writeln!(
                svg,
                "<text x=\"{place:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{value}</text>",
                bottom + 16.0
            )?;
        }
        for line in &panel.lines {
            let place = |&(x, y): &(f64, f64)| format!("{:.1},{:.1}", across(x), up(y));
            let path: Vec<String> = line.points.iter().map(place).collect();
            let at = names.iter().position(|name| *name == line.name).unwrap_or_default();
            let colour = COLOURS[at % COLOURS.len()];
            writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
                path.join(" ")
            )?;
        }
        Ok(())
    }
}

struct Axis {
    low: f64,
    high: f64,
    scale: Scale,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, scale: Scale) -> Self {
        let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
        let low = match scale {
            // What falls below nothing is noise; it is drawn below the line.
            Scale::Linear => 0.0,
            Scale::Logarithmic => values.fold(f64::INFINITY, f64::min),
        };
        Self { low, high: if scale == Scale::Linear { high.max(1.0) * 1.05 } else { high }, scale }
    }

    fn share(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        }
    }

    /// Round numbers within the axis, not too many.
    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let magnitude = 10_f64.powf((self.high / 5.0).log10().floor());
                let fits = |step: &f64| self.high / (step * magnitude) <= 6.0;
                let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(fits).unwrap_or(10.0) * magnitude;
                (0..8)
                    .map(|tick| f64::from(tick) * step)
                    .filter(|tick| *tick <= self.high)
                    .collect()
            }
            Scale::Logarithmic => {
                let decades = (self.high / self.low).log10();
                let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
                let all = (-4..5).flat_map(|decade| steps.iter().map(move |step| (decade, *step)));
                // Parsed, since 10^-1 times 2 is not the nearest number to 0.2.
                all.filter_map(|(decade, step)| format!("{step}e{decade}").parse::<f64>().ok())
                    .filter(|tick| (self.low * 0.999..=self.high * 1.001).contains(tick))
                    .collect()
            }
        }
    }
}
