//! Identifies a licence by phrases in its text that no other licence contains.

/// SPDX identifiers, the phrases that must be present, and those that must not. Texts are compared as lower-case words.
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
    ("CC-BY-NC-4.0", &["attribution noncommercial 4 0 international"], &[]),
    ("CC-BY-NC-SA-4.0", &["attribution noncommercial sharealike 4 0 international"], &[]),
    ("CC-BY-ND-4.0", &["attribution noderivatives 4 0 international"], &[]),
    ("CC-BY-NC-ND-4.0", &["attribution noncommercial noderivatives 4 0 international"], &[]),
    ("CDLA-Permissive-2.0", &["community data license agreement permissive version 2 0"], &[]),
    ("ODbL-1.0", &["odc open database license odbl"], &[]),
    ("OFL-1.1", &["sil open font license version 1 1"], &[]),
    ("BSL-1.0", &["boost software license version 1 0"], &[]),
    ("EPL-2.0", &["eclipse public license v 2 0"], &[]),
    ("EUPL-1.2", &["european union public licence v 1 2"], &[]),
    ("ISC", &[ISC, KEEP_NOTICE], &[]),
    ("0BSD", &[ISC], &[KEEP_NOTICE]),
    ("Unlicense", &["this is free and unencumbered software released into the public domain"], &[]),
];

const BSD: &str =
    "redistribution and use in source and binary forms with or without modification are permitted provided that";

const ISC: &str = "permission to use copy modify and or distribute this software for any purpose with or without fee \
                   is hereby granted";
const KEEP_NOTICE: &str = "provided that the above copyright notice";

/// The SPDX identifier of the licence in `text`; `None` if it contains no known licence, or more than one.
pub fn detect_license(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ").to_lowercase();
    let matches = |(_, wanted, unwanted): &&(&str, &[&str], &[&str])| {
        wanted.iter().all(|phrase| text.contains(phrase)) && !unwanted.iter().any(|phrase| text.contains(phrase))
    };
    let mut found = LICENSES.iter().filter(matches).map(|(identifier, ..)| *identifier);
    found.next().filter(|_| found.next().is_none())
}

/// The SPDX identifier for a licence name of the Hugging Face hub, compared without case; a name without an identifier
/// is returned unchanged.
pub fn spdx_license(name: &str) -> String {
    const OTHERS: [&str; 16] = [
        "AFL-3.0",
        "Artistic-2.0",
        "BSD-3-Clause-Clear",
        "CC-BY-2.0",
        "CC-BY-3.0",
        "CC-BY-SA-3.0",
        "CC-BY-NC-2.0",
        "CC-BY-NC-3.0",
        "CC-BY-NC-SA-2.0",
        "CC-BY-NC-SA-3.0",
        "CDLA-Permissive-1.0",
        "EPL-1.0",
        "MS-PL",
        "OSL-3.0",
        "PostgreSQL",
        "Zlib",
    ];
    /// The licences with a different name on the hub.
    const RENAMED: [(&str, &str); 3] = [("odbl", "ODbL-1.0"), ("odc-by", "ODC-By-1.0"), ("pddl", "PDDL-1.0")];
    let known = LICENSES.iter().map(|(identifier, ..)| *identifier).chain(OTHERS);
    let renamed = RENAMED.iter().find(|(hub, _)| *hub == name).map(|(_, identifier)| *identifier);
    let found = known.into_iter().find(|identifier| identifier.eq_ignore_ascii_case(name)).or(renamed);
    found.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_identified_by_their_words() {
        let mit = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof \
                   this software and … The above copyright notice and this permission notice shall be\nincluded in all \
                   copies";
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
            ("Attribution-NonCommercial 4.0 International", Some("CC-BY-NC-4.0")),
            ("Attribution-NonCommercial-ShareAlike 4.0 International", Some("CC-BY-NC-SA-4.0")),
            ("Attribution-NonCommercial-NoDerivatives 4.0 International", Some("CC-BY-NC-ND-4.0")),
            ("Attribution-NonCommercial 3.0 Unported", None),
            (
                "ISC License\n\nPermission to use, copy, modify, and/or distribute this software for any purpose\n\
                 with or without fee is hereby granted, provided that the above copyright notice",
                Some("ISC"),
            ),
            ("Boost Software License - Version 1.0 - August 17th, 2003", Some("BSL-1.0")),
            ("CC0 1.0 Universal", Some("CC0-1.0")),
            ("This is free and unencumbered software released into the public domain.", Some("Unlicense")),
            (&format!("{mit}\n\nApache License Version 2.0"), None),
            ("All rights reserved.", None),
            ("", None),
        ] {
            assert_eq!(detect_license(text), expected, "{text}");
        }
    }

    #[test]
    fn licence_names_of_the_hub_become_spdx_identifiers() {
        for (name, expected) in [
            ("apache-2.0", "Apache-2.0"),
            ("mit", "MIT"),
            ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
            ("odbl", "ODbL-1.0"),
            ("zlib", "Zlib"),
            ("gemma", "gemma"),
        ] {
            assert_eq!(spdx_license(name), expected);
        }
    }
}
