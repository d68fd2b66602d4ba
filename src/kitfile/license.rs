//! Which licence a text is, told by phrases that no other licence has.

/// SPDX identifiers, the phrases that must be there, and those that must not. Texts are compared as lower-case words.
const LICENSES: &[(&str, &[&str], &[&str])] = &[
    (
        "MIT",
        &[
            "permission is hereby granted free of charge to any person obtaining a copy of this software",
            "the above copyright notice and this permission notice shall be included",
        ],
        &[],
    ),
    ("Apache-2.0", &["apache license version 2 0"], &[]),
    ("BSD-3-Clause", &[BSD, "neither the name"], &["all advertising materials"]),
    ("BSD-2-Clause", &[BSD], &["neither the name", "all advertising materials"]),
    ("GPL-2.0", &["gnu general public license version 2 june 1991"], &[]),
    ("GPL-3.0", &["gnu general public license version 3 29 june 2007"], &[]),
    ("LGPL-2.1", &["gnu lesser general public license version 2 1 february 1999"], &[]),
    ("LGPL-3.0", &["gnu lesser general public license version 3 29 june 2007"], &[]),
    ("AGPL-3.0", &["gnu affero general public license version 3 19 november 2007"], &[]),
    ("MPL-2.0", &["mozilla public license version 2 0"], &[]),
    ("CC-BY-4.0", &["attribution 4 0 international"], &[]),
    ("CC-BY-SA-4.0", &["attribution sharealike 4 0 international"], &[]),
    ("CC0-1.0", &["cc0 1 0 universal"], &[]),
    ("Unlicense", &["this is free and unencumbered software released into the public domain"], &[]),
];

const BSD: &str =
    "redistribution and use in source and binary forms with or without modification are permitted provided that";

/// The SPDX identifier of the licence that `text` holds; none if it holds no known one, or more than one.
pub fn detect_license(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ").to_lowercase();
    let matches = |(_, wanted, unwanted): &&(&str, &[&str], &[&str])| {
        wanted.iter().all(|phrase| text.contains(phrase)) && !unwanted.iter().any(|phrase| text.contains(phrase))
    };
    let mut found = LICENSES.iter().filter(matches).map(|(identifier, ..)| *identifier);
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_told_by_their_words() {
        let mit = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this \
                   software and … The above copyright notice and this permission notice shall be\nincluded in all copies";
        let bsd = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted \
                   provided that the following conditions are met:";
        for (text, expected) in [
            (mit, Some("MIT")),
            ("   Apache License\n   Version 2.0, January 2004", Some("Apache-2.0")),
            (bsd, Some("BSD-2-Clause")),
            (&format!("{bsd} 3. Neither the name of the holder"), Some("BSD-3-Clause")),
            (&format!("{bsd} All advertising materials"), None),
            ("GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991", Some("GPL-2.0")),
            ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", Some("GPL-3.0")),
            ("GNU LESSER GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", Some("LGPL-3.0")),
            ("GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007", Some("AGPL-3.0")),
            ("Mozilla Public License Version 2.0", Some("MPL-2.0")),
            ("Creative Commons Attribution 4.0 International Public License", Some("CC-BY-4.0")),
            ("Attribution-ShareAlike 4.0 International", Some("CC-BY-SA-4.0")),
            ("Attribution-NonCommercial 4.0 International", None),
            ("CC0 1.0 Universal", Some("CC0-1.0")),
            ("This is free and unencumbered software released into the public domain.", Some("Unlicense")),
            (&format!("{mit}\n\nApache License Version 2.0"), None),
            ("All rights reserved.", None),
            ("", None),
        ] {
            assert_eq!(detect_license(text), expected, "{text}");
        }
    }
}
