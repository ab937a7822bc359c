//! EDGAR's codes of states and countries.
//!
//! Source: sec.gov, "EDGAR State and Country Codes": the postal codes of the states, and
//! codes of EDGAR's own for the rest, such as `X0` for the United Kingdom.

use std::{fmt, str::FromStr};

use crate::error::ParseError;

/// A state or a country as EDGAR writes it: two letters or digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State([u8; 2]);

/// Every code and its name, set apart by `;`.
const CODES: &str = "\
AL Alabama;AK Alaska;AZ Arizona;AR Arkansas;CA California;CO Colorado;CT Connecticut;DE Delaware;\
DC District of Columbia;FL Florida;GA Georgia;HI Hawaii;ID Idaho;IL Illinois;IN Indiana;IA Iowa;\
KS Kansas;KY Kentucky;LA Louisiana;ME Maine;MD Maryland;MA Massachusetts;MI Michigan;MN Minnesota;\
MS Mississippi;MO Missouri;MT Montana;NE Nebraska;NV Nevada;NH New Hampshire;NJ New Jersey;\
NM New Mexico;NY New York;NC North Carolina;ND North Dakota;OH Ohio;OK Oklahoma;OR Oregon;\
PA Pennsylvania;RI Rhode Island;SC South Carolina;SD South Dakota;TN Tennessee;TX Texas;UT Utah;\
VT Vermont;VA Virginia;WA Washington;WV West Virginia;WI Wisconsin;WY Wyoming;X1 United States;\
GU Guam;PR Puerto Rico;VI US Virgin Islands;B5 American Samoa;1V Northern Mariana Islands;\
2J US Minor Outlying Islands;A0 Alberta;A1 British Columbia;A2 Manitoba;A3 New Brunswick;\
A4 Newfoundland;A5 Nova Scotia;A6 Ontario;A7 Prince Edward Island;A8 Quebec;A9 Saskatchewan;\
B0 Yukon;Z4 Canada;B2 Afghanistan;Y6 Aland Islands;B3 Albania;B4 Algeria;B6 Andorra;B7 Angola;\
1A Anguilla;B8 Antarctica;B9 Antigua and Barbuda;C1 Argentina;1B Armenia;1C Aruba;C3 Australia;\
C4 Austria;1D Azerbaijan;C5 Bahamas;C6 Bahrain;C7 Bangladesh;C8 Barbados;1F Belarus;C9 Belgium;\
D1 Belize;G6 Benin;D0 Bermuda;D2 Bhutan;D3 Bolivia;1E Bosnia and Herzegovina;B1 Botswana;\
D4 Bouvet Island;D5 Brazil;D6 British Indian Ocean Territory;D9 Brunei;E0 Bulgaria;\
X2 Burkina Faso;E2 Burundi;E3 Cambodia;E4 Cameroon;E8 Cape Verde;E9 Cayman Islands;\
F0 Central African Republic;F2 Chad;F3 Chile;F4 China;F6 Christmas Island;F7 Cocos Islands;\
F8 Colombia;F9 Comoros;G0 Congo;Y3 Democratic Republic of the Congo;G1 Cook Islands;G2 Costa Rica;\
L7 Ivory Coast;1M Croatia;G3 Cuba;G4 Cyprus;2N Czech Republic;G7 Denmark;1G Djibouti;G9 Dominica;\
G8 Dominican Republic;H1 Ecuador;H2 Egypt;H3 El Salvador;H4 Equatorial Guinea;1J Eritrea;\
1H Estonia;H5 Ethiopia;H7 Falkland Islands;H6 Faroe Islands;H8 Fiji;H9 Finland;I0 France;\
I3 French Guiana;I4 French Polynesia;2C French Southern Territories;I5 Gabon;I6 Gambia;\
2Q Republic of Georgia;2M Germany;J0 Ghana;J1 Gibraltar;J3 Greece;J4 Greenland;J5 Grenada;\
J6 Guadeloupe;J8 Guatemala;Y7 Guernsey;J9 Guinea;S0 Guinea-Bissau;K0 Guyana;K1 Haiti;\
K4 Heard and McDonald Islands;X4 Vatican City;K2 Honduras;K3 Hong Kong;K5 Hungary;K6 Iceland;\
K7 India;K8 Indonesia;K9 Iran;L0 Iraq;L2 Ireland;Y8 Isle of Man;L3 Israel;L6 Italy;L8 Jamaica;\
M0 Japan;Y9 Jersey;M2 Jordan;1P Kazakhstan;M3 Kenya;J2 Kiribati;M4 North Korea;M5 South Korea;\
M6 Kuwait;1N Kyrgyzstan;M7 Laos;1R Latvia;M8 Lebanon;M9 Lesotho;N0 Liberia;N1 Libya;\
N2 Liechtenstein;1Q Lithuania;N4 Luxembourg;N5 Macau;1U Macedonia;N6 Madagascar;N7 Malawi;\
N8 Malaysia;N9 Maldives;O0 Mali;O1 Malta;1T Marshall Islands;O2 Martinique;O3 Mauritania;\
O4 Mauritius;2P Mayotte;O5 Mexico;1K Micronesia;1S Moldova;O9 Monaco;P0 Mongolia;Z5 Montenegro;\
P1 Montserrat;P2 Morocco;P3 Mozambique;E1 Myanmar;T6 Namibia;P5 Nauru;P6 Nepal;P7 Netherlands;\
P8 Netherlands Antilles;1W New Caledonia;Q2 New Zealand;Q3 Nicaragua;Q4 Niger;Q5 Nigeria;Q6 Niue;\
Q7 Norfolk Island;Q8 Norway;P4 Oman;R0 Pakistan;1Y Palau;1X Palestine;R1 Panama;\
R2 Papua New Guinea;R4 Paraguay;R5 Peru;R6 Philippines;R8 Pitcairn;R9 Poland;S1 Portugal;S3 Qatar;\
S4 Reunion;S5 Romania;1Z Russia;S6 Rwanda;Z0 Saint Barthelemy;U8 Saint Helena;\
U7 Saint Kitts and Nevis;U9 Saint Lucia;Z1 Saint Martin;V0 Saint Pierre and Miquelon;\
V1 Saint Vincent and the Grenadines;Y0 Samoa;S8 San Marino;S9 Sao Tome and Principe;\
T0 Saudi Arabia;T1 Senegal;Z2 Serbia;T2 Seychelles;T8 Sierra Leone;U0 Singapore;2B Slovakia;\
2A Slovenia;D7 Solomon Islands;U1 Somalia;T3 South Africa;1L South Georgia;U3 Spain;F1 Sri Lanka;\
V2 Sudan;V3 Suriname;L9 Svalbard and Jan Mayen;V6 Swaziland;V7 Sweden;V8 Switzerland;V9 Syria;\
F5 Taiwan;2D Tajikistan;W0 Tanzania;W1 Thailand;Z3 Timor-Leste;W2 Togo;W3 Tokelau;W4 Tonga;\
W5 Trinidad and Tobago;W6 Tunisia;W8 Turkey;2E Turkmenistan;W7 Turks and Caicos Islands;2G Tuvalu;\
W9 Uganda;2H Ukraine;C0 United Arab Emirates;X0 United Kingdom;X3 Uruguay;2K Uzbekistan;2L Vanuatu;\
X5 Venezuela;Q1 Vietnam;D8 British Virgin Islands;X8 Wallis and Futuna;U5 Western Sahara;T7 Yemen;\
Y4 Zambia;Y5 Zimbabwe;XX unknown";

/// Letters of a name that may be wrong for it to be suggested.
const MISSPELT: usize = 2;

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    CODES.split(';').filter_map(|row| row.split_once(' '))
}

impl State {
    /// The code.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("every code is ASCII")
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for State {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let upper = text.trim().to_ascii_uppercase();
        let known = rows().any(|(code, _)| code == upper);
        match *upper.as_bytes() {
            [first, second] if known => Ok(Self([first, second])),
            _ => Err(unknown(text)),
        }
    }
}

fn unknown(text: &str) -> ParseError {
    let text: String = text.chars().take(40).collect();
    let distance = |name: &str| strsim::damerau_levenshtein(&text.to_lowercase(), name);
    let nearest = rows()
        .map(|(code, name)| (distance(&name.to_lowercase()), code, name))
        .min()
        .filter(|(distance, _, name)| *distance <= MISSPELT && distance * 2 < name.len());
    let hint = match nearest {
        Some((_, code, name)) => format!("; {name} is \"{code}\""),
        None => "; write NY for New York, X0 for the United Kingdom, and see \"EDGAR State and Country Codes\" on sec.gov".into(),
    };
    ParseError::State { text, hint }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_listed_once_and_reads_back() {
        let codes: BTreeSet<&str> = rows().map(|(code, _)| code).collect();

        assert_eq!(codes.len(), CODES.split(';').count());
        for code in codes {
            assert_eq!(code.len(), 2);
            assert_eq!(code.to_lowercase().parse::<State>().unwrap().as_str(), code);
        }
    }

    #[test]
    fn a_name_in_place_of_a_code_is_answered_with_the_code() {
        let said = |text: &str| text.parse::<State>().unwrap_err().to_string();

        assert!(said("texas").ends_with("; Texas is \"TX\""));
        assert!(said("Germny").ends_with("; Germany is \"2M\""));
        assert!(said("UK").contains("X0 for the United Kingdom"));
        assert!(said("").contains("NY for New York"));
    }
}
