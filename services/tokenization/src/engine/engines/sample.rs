//! The texts on which a fast engine must equal the reference before it serves: what has told engines apart.

/// Prose and code in several scripts.
const PROSE: [&str; 7] = [
    "The mill's wheel turns; it doesn't stop, it'll grind 12,345.67 kg (≈ 99%) by 10:45 — “soon”, they've said…",
    "fn main() {\n    let x: Vec<u8> = vec![0; 1024];\n\tprintln!(\"{x:?}\\n\"); // HTTPServer2 snake_case camelCase\n}\n",
    "Grüße aus Zürich, naïve façade; İstanbul ışık ǅ ǆ ﬁn ŉ. Ελληνικά, Привет, мир! ЁЖ ёж",
    "日本語のテキスト、カタカナと漢字。中文字符，全角１２３。한국어 문장입니다. ㄱㄴㄷ 각",
    "العربية ١٢٣ עברית हिन्दी में १२३ ไทยไม่เว้นวรรค বাংলা தமிழ் ქართული አማርኛ",
    "👩‍👩‍👧‍👦 🙂🙃 🇩🇪🇫🇷 ✌🏽 ☃️ ① ½ ² Ⅳ € £ ¥ ™ ∑∫√ → ⇒ \u{200D}\u{200B}\u{FEFF}\u{AD} a\u{301}e\u{323}\u{302}q\u{307}\u{323}",
    "don't DON'T I'LL i'Ve 'S 's''s ''' !!! ??? ... --- ___ ### /path/to//file.txt \\n \\\\ a/b\n/c =>\n\n/ ;)\r\n<tag attr='x'>",
];
/// A letter, a mark, a digit, a symbol of several planes; unassigned, private and non-characters among them.
const CHARACTERS: &str = "aZé\u{301}\u{323}ß日가ाक١½ⅧªΩжא\u{200D}\u{FE0F}🙂🏽\u{A0}\u{3000}\u{2028}\u{85}\u{FFFD}\u{FFFF}\u{E000}\
    \u{378}\u{1C8A}\u{A7DC}\u{10D40}\u{2FFFF}\u{E0001}\u{10FFFF}\u{1E030}\u{11F00}\u{323AF}\u{F900}\u{FB01}\u{1F170}'’/_-.,!?\n\r\t 12";
/// One character so many times.
const RUN: usize = 1500;
/// Texts of added tokens in one.
const TOGETHER: usize = 500;
/// Random texts, and characters in each.
const RANDOM: (usize, usize) = (300, 40);
/// The same of words as they are cut: any two ASCII characters come together, and stand around a space and a newline.
const RANDOM_WORDS: (usize, usize) = (40, 1500);

/// Texts for any tokenizer.
pub(super) fn texts() -> Vec<String> {
    let mut texts: Vec<String> = PROSE.iter().map(|text| (*text).to_owned()).collect();
    // Long enough to be cut, and for engines that work on several parts at once.
    texts.push(joined((0..600).map(|n| format!("{}\n", PROSE[n % PROSE.len()].split('\n').next().unwrap_or("")))));
    texts.push(PROSE.concat().repeat(12));
    texts.extend(CHARACTERS.chars().map(String::from));
    texts.push(joined((0..0xA1).filter_map(char::from_u32).map(|c| format!("a{c}b {c} {c}{c}1{c}."))));
    texts.extend("a1!- \n\t\r é日🙂\u{301}ा\u{A0}".chars().map(|c| format!("x{}y", String::from(c).repeat(RUN))));
    texts.extend(["ab", " \n", "\r\n", "a ", "日本", "<0x41>", "▁", "Ġ", "##"].map(|unit| unit.repeat(RUN / 2)));
    texts.push(joined((1..60).map(|n| format!("{}a{}b{}", " ".repeat(n), "\n".repeat(n), " \n".repeat(n)))));
    texts.push(joined((1..30).map(|n| format!("{} {}x{} ", "7".repeat(n), "٣".repeat(n), "!".repeat(n)))));
    texts.extend(random(CHARACTERS.chars().collect(), RANDOM));
    let spaces = |c: char| if c.is_ascii_lowercase() { [c, ' '] } else { [c, '\n'] };
    let words = (' '..='~').flat_map(|c| [c, c, c, c].into_iter().chain(spaces(c)));
    texts.extend(random(words.collect(), RANDOM_WORDS));
    texts
}

/// Texts around the tokens that a tokenizer finds before anything else. Those that the fast engine serves stand together
/// and without the others, behind which they would be the reference's.
pub(super) fn around(added: &[String], is_fast: impl Fn(&str) -> bool) -> Vec<String> {
    let around = added.iter().flat_map(|token| {
        let cut = format!("{} ", &token[..token.len() - last_length(token)]);
        [format!("x{token}y {token} {token}{token}\n{token} y x{token} ("), cut, token.to_uppercase()]
    });
    let (fast, others): (Vec<String>, Vec<String>) = around.partition(|text| is_fast(text));
    [fast, others].iter().flat_map(|texts| texts.chunks(TOGETHER).map(<[String]>::concat)).collect()
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.fold(String::new(), |text, part| text + &part)
}

fn last_length(token: &str) -> usize {
    token.chars().next_back().map_or(0, char::len_utf8)
}

/// Characters in random order, the same each time.
fn random(characters: Vec<char>, (texts, length): (usize, usize)) -> impl Iterator<Item = String> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..texts).map(move |_| {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) % characters.len() as u64;
            usize::try_from(at).ok().and_then(|at| characters.get(at)).copied().unwrap_or('a')
        };
        (0..length).map(next).collect()
    })
}
