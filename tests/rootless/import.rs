//! Real state in and out: what is written comes back, what AWS's clients write is understood, what contradicts itself is refused.

mod command_line;
mod describe;
mod left_out;
mod round_trip;
mod scale;
mod three_ways;

use sg_userspace::import::source::{Loaded, SourceFile, Sources};

/// Sources of these files.
fn sources(files: Vec<SourceFile>) -> Sources {
    Sources { files, ..Sources::default() }
}

/// What a file of these texts makes.
#[track_caller]
fn load(files: &[(&str, String)]) -> Loaded {
    loaded(files).unwrap()
}

/// The same, or what is wrong.
fn loaded(files: &[(&str, String)]) -> Result<Loaded, String> {
    let files = files.iter().map(|(name, text)| SourceFile { name: (*name).to_owned(), text: text.clone() });
    sources(files.collect()).load(0).map_err(|error| error.to_string())
}

/// What the example's directory makes, with changes to its files.
fn example(change: impl Fn(&str, &mut serde_json::Value)) -> Result<Loaded, String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/import/aws");
    let mut names = std::fs::read_dir(directory)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect::<Vec<_>>();
    names.sort_unstable();
    let files = names.into_iter().map(|name| {
        let text = std::fs::read_to_string(format!("{directory}/{name}")).unwrap();
        // Pages stand one after the other.
        let pages = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        let mut value = serde_json::Value::Array(pages.collect::<Result<_, _>>().unwrap());
        value.as_array_mut().unwrap().iter_mut().for_each(|page| change(&name, page));
        SourceFile { name, text: value.to_string() }
    });
    sources(files.collect()).load(0).map_err(|error| error.to_string())
}
