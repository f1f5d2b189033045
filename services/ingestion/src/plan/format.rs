//! What a file is by its name: the extensions that `datasets` knows, and the format that a set of files has.
//!
//! The whole table is kept, also for formats that are not converted, because a file of an unknown extension is left
//! out while one of a known extension takes part in the vote about the format. Source: `packaged_modules/__init__.py`
//! and `load.py:infer_module_for_data_files_list` of `datasets` 5.2.0.

use std::collections::HashMap;

/// A reader of `datasets` with the options that its extension implies: `.csv` and `.tsv` differ in the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The name in `datasets`, such as `parquet` or `json`.
    pub name: &'static str,
    /// What the extension says besides.
    pub variant: &'static str,
    /// What the config says stands between the cells of a `csv`.
    pub separator: Option<u8>,
}

impl Format {
    const fn of(name: &'static str) -> Self {
        Self::variant(name, "")
    }

    const fn variant(name: &'static str, variant: &'static str) -> Self {
        Self { name, variant, separator: None }
    }

    /// The name under which the files are converted: a `csv` with another separator than a comma has it behind.
    pub fn converter(self) -> String {
        let separator = self.separator.or((self.variant == "tab").then_some(b'\t'));
        let separator = separator.filter(|separator| self.name == "csv" && *separator != b',');
        format!("{}{}", self.name, separator.map_or_else(String::new, |separator| char::from(separator).to_string()))
    }

    /// The name for a message, where tables that are cut at tabs are no `csv`.
    pub fn shown(self) -> &'static str {
        if self.name == "csv" && self.variant == "tab" { "tsv" } else { self.name }
    }

    /// Whether rows can be read from it.
    pub fn is_converted(self) -> bool {
        CONVERTED.contains(&self.name)
    }
}

/// The formats that rows are read from.
pub const CONVERTED: &[&str] = &["parquet", "json", "csv", "text", "arrow", "webdataset", "zip"];

/// Folders of media: extension lists, each also known in upper case. Later lists win over earlier ones.
const MEDIA: &[(&str, &str)] = &[
    (
        "imagefolder",
        ".blp.bmp.dib.bufr.cur.pcx.dcx.dds.ps.eps.fit.fits.fli.flc.ftc.ftu.gbr.gif.grib.h5.hdf.png.apng.jp2.j2k.jpc\
         .jpf.jpx.j2c.icns.ico.im.iim.tif.tiff.jfif.jpe.jpg.jpeg.mpg.mpeg.msp.pcd.pxr.pbm.pgm.ppm.pnm.psd.bw.rgb.rgba\
         .sgi.ras.tga.icb.vda.vst.webp.wmf.emf.xbm.xpm",
    ),
    (
        "audiofolder",
        ".aiff.au.avr.caf.flac.htk.svx.mat4.mat5.mpc2k.ogg.paf.pvf.raw.rf64.sd2.sds.ircam.voc.w64.wav.nist.wavex.wve\
         .xi.mp3.opus.3gp.3g2.avi.asf.flv.mp4.mov.m4v.mkv.mpg.webm.f4v.wmv.wma.ogm.mxf.nut",
    ),
    ("videofolder", ".mkv.mp4.avi.mpeg.mov"),
    ("meshfolder", ".glb.gltf.ply.stl"),
    ("pdffolder", ".pdf"),
    ("niftifolder", ".nii"),
];

/// What accompanies the tables of the `lance` format.
const COMPANIONS: &[&str] = &["idx", "txn", "manifest"];

/// Names that describe media and must not decide the format.
const METADATA_NAMES: &[&str] =
    &["metadata.csv", "metadata.jsonl", "metadata.parquet", "latest_version_hint.json", "task.toml", "instruction.md"];

/// The format of an extension without its dot.
pub fn of_extension(extension: &str) -> Option<Format> {
    let format = match extension {
        "csv" => Format::of("csv"),
        "tsv" => Format::variant("csv", "tab"),
        "json" | "jsonl" | "ndjson" => Format::of("json"),
        "parquet" | "geoparquet" | "gpq" => Format::of("parquet"),
        "arrow" => Format::of("arrow"),
        "txt" => Format::of("text"),
        "conll" => Format::of("conll"),
        "conllu" => Format::variant("conll", "comments"),
        "tar" => Format::of("webdataset"),
        "xml" => Format::of("xml"),
        "hdf5" => Format::of("hdf5"),
        "eval" => Format::of("eval"),
        "toml" | "md" => Format::of("harbor"),
        "lance" => Format::of("lance"),
        "tsfile" => Format::of("tsfile"),
        "vortex" => Format::of("vortex"),
        "fa" | "fasta" | "fna" | "ffn" | "faa" | "frn" | "afa" => Format::of("fasta"),
        "gb" | "gbk" | "genbank" => Format::of("genbank"),
        "fq" | "fastq" => Format::of("fastq"),
        "pdb" | "ent" | "PDB" | "ENT" => Format::of("pdb"),
        "cif" | "mmcif" => Format::of("mmcif"),
        _ => return media(extension),
    };
    Some(format)
}

fn media(extension: &str) -> Option<Format> {
    let lower = extension.to_ascii_lowercase();
    // Mixed case is unknown to `datasets`.
    let known_case = extension == lower || extension == extension.to_ascii_uppercase();
    let list = MEDIA.iter().rev().find(|(_, list)| known_case && list.split('.').skip(1).any(|e| e == lower));
    list.map(|(name, _)| Format::of(name))
}

/// Whether any dot-suffix of the file's name is known: otherwise the file is no data.
pub fn is_data(path: &str) -> bool {
    suffixes(path).any(|s| s == "zip" || COMPANIONS.contains(&s) || of_extension(s).is_some())
}

/// All dot-suffixes of the file's name, without the dots.
fn suffixes(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit('/').next().unwrap_or(path).split('.').skip(1)
}

/// The most common known extension decides; `None` without any. Archives count as a format of their own.
pub fn infer<'a>(paths: impl IntoIterator<Item = &'a str>) -> Option<Format> {
    let mut counts: HashMap<(String, bool), usize> = HashMap::new();
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_metadata = METADATA_NAMES.contains(&name);
        for suffix in suffixes(path) {
            *counts.entry((suffix.to_lowercase(), is_metadata)).or_default() += 1;
        }
    }
    // `datasets` breaks a draw by this list, then by the extension's letters.
    let favourites = ["parquet", "lance", "vortex", "arrow", "jsonl", "json", "csv"];
    let rank = |extension: &str| favourites.iter().position(|f| *f == extension).map_or(0, |p| favourites.len() - p);
    let mut votes: Vec<((String, bool), usize)> = counts.into_iter().collect();
    votes.sort_by(|((a, a_meta), a_count), ((b, b_meta), b_count)| {
        (!b_meta, b_count, rank(b), b).cmp(&(!a_meta, a_count, rank(a), a))
    });
    votes.into_iter().find_map(|((extension, _), _)| match extension.as_str() {
        "zip" => Some(Format::of("zip")),
        other => of_extension(other),
    })
}

/// Whether `datasets` keeps the file when it reads `format`: one of the format's extensions stands in the path, at its
/// end or before another dot.
pub fn keeps(format: Format, path: &str) -> bool {
    if METADATA_NAMES.iter().any(|n| path.ends_with(n)) && !format.is_converted() && is_media(format) {
        return true;
    }
    let starts = path.match_indices('.').map(|(at, _)| &path[at + 1..]);
    starts.flat_map(prefixes).any(|extension| extension == "zip" || named(extension) == Some(format.name))
}

fn is_media(format: Format) -> bool {
    MEDIA.iter().any(|(name, _)| *name == format.name)
}

fn named(extension: &str) -> Option<&'static str> {
    of_extension(extension).map(|format| format.name)
}

/// What stands before each following dot, and all of it.
fn prefixes(rest: &str) -> impl Iterator<Item = &str> {
    let before_dots = rest.match_indices('.').filter(|(at, _)| at + 1 < rest.len()).map(|(at, _)| &rest[..at]);
    before_dots.chain(std::iter::once(rest))
}

/// The format that one file of a config in `format` is read with: a config may hold files of several, and tables that
/// are cut at other signs.
pub fn of_file(path: &str, format: Format) -> Format {
    let known: Vec<Format> = suffixes(path).filter_map(of_extension).collect();
    match known.iter().rev().find(|own| own.name == format.name) {
        Some(own) => Format { separator: format.separator, ..*own },
        None => known.last().copied().unwrap_or(format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_list_of_media_wins_and_case_matters() {
        assert_eq!(named("mp4"), Some("videofolder"));
        assert_eq!(named("PNG"), Some("imagefolder"));
        assert_eq!(named("Png"), None);
        assert_eq!(named("CSV"), None);
        // An unknown upper case: dropped before the vote, which looks at lower case.
        assert!(!is_data("a.CSV"));
        assert!(is_data("a.csv.gz") && is_data("a.csv.bak") && !is_data("LICENSE") && !is_data("a.gz"));
    }

    #[test]
    fn draws() {
        assert_eq!(infer(["a.csv", "b.parquet"]), Some(Format::of("parquet")));
        assert_eq!(infer(["a.txt", "b.json"]), Some(Format::of("json")));
        assert_eq!(infer(["metadata.csv", "metadata.jsonl", "a.png"]), Some(Format::of("imagefolder")));
        assert_eq!(infer(["a.gz", "LICENSE"]), None);
    }

    #[test]
    fn files_of_a_format() {
        let json = Format::of("json");
        assert!(keeps(json, "a.json") && keeps(json, "d/a.jsonl.gz") && keeps(json, "a.json.b.c"));
        assert!(!keeps(json, "a.jsonx") && !keeps(json, "json") && !keeps(json, "a.csv"));
        assert_eq!(of_file("x.parquet", json), Format::of("parquet"));
        assert_eq!(of_file("x.csv.json", json), json);
        assert_eq!(of_file("x", json), json);
        let (csv, tsv) = (Format::of("csv"), Format::variant("csv", "tab"));
        assert_eq!(["x.csv", "x.tsv.gz", "x.dat"].map(|path| of_file(path, csv)), [csv, tsv, csv]);
        assert_eq!(["x.csv", "x.tsv", "x.dat"].map(|path| of_file(path, tsv)), [csv, tsv, tsv]);
        let declared = Format { separator: Some(b';'), ..csv };
        assert_eq!(of_file("x.tsv", declared).converter(), "csv;");
    }
}
