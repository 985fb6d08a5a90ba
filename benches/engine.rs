//! What asking together saves: the same questions of the same image, one by one and as a tree,
//! interleaved in one run on the demo model. `make bench` prints the table.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]

#[path = "common/median.rs"]
mod median;

use std::time::{Duration, Instant};

use praetor::imaging::View;
use praetor::prompts::Prompts;
use praetor::vlm::llama::{LlamaVlm, demo};
use praetor::vlm::{Answer, Vlm};

use self::median::median;

const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join("praetor-bench");
    let model = LlamaVlm::load(demo::unpack(&folder)?, Prompts::built_in()?)?;
    let pixel = |x: u32, y: u32| image::Rgb([x, y, x ^ y].map(|value| (value & 255) as u8));
    let view = View::whole(image::RgbImage::from_fn(256, 256, pixel));

    println!(
        "| questions an image | one by one | forked | ratio | largest difference in log-odds |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for count in [1, 8, 32, 128] {
        let statements: Vec<String> =
            (0..count).map(|index| format!("object {index} is visible")).collect();
        let texts: Vec<&str> = statements.iter().map(String::as_str).collect();
        let mut plain = Vec::new();
        let mut forked = Vec::new();
        let mut difference: f64 = 0.0;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let one_by_one = model.visible_one_by_one(Some(&view), &texts)?;
            plain.push(started.elapsed());
            let started = Instant::now();
            let together = model.visible(Some(&view), &texts)?;
            forked.push(started.elapsed());
            difference = difference.max(largest_difference(&one_by_one, &together));
        }
        let (plain, forked) = (median(plain), median(forked));
        println!(
            "| {count} | {} | {} | {:.1} | {difference:.1e} |",
            milliseconds(plain),
            milliseconds(forked),
            plain.as_secs_f64() / forked.as_secs_f64()
        );
    }
    Ok(())
}

fn largest_difference(one: &[Answer], other: &[Answer]) -> f64 {
    let log_odds = |answer: &Answer| match answer {
        Answer::Seen(answer) => answer.ln_yes - answer.ln_no,
        Answer::Said(_) | Answer::Unavailable(_) => f64::NAN,
    };
    one.iter().zip(other).map(|(a, b)| (log_odds(a) - log_odds(b)).abs()).fold(0.0, f64::max)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
