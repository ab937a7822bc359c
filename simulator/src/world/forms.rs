//! The forms of the invented world: how often, how big, who files them, what they hold.
//!
//! Weights are counts of a real quarter; sizes are medians of real submissions.
//! Elsewhere: turning a rule into one filing (`filing`), its text (`submission`).

use super::filer::FilerKind;

/// Who takes part in a filing of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// One filer of that kind.
    One(FilerKind),
    /// A company, rarely with co-registrants.
    CoRegistrants,
    /// A fund, now and then listed twice, once per file number.
    Fund,
    /// A bank, half of the time with its guarantor.
    Notes,
    /// Reporting owners and the issuer.
    Ownership,
    /// The seller and the company whose shares are sold.
    Sale,
    /// The subject company and a manager or person.
    Stake,
    /// The subject, rarely with who filed for it.
    FreeWriting,
}

/// How the primary document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Primary {
    /// Plain HTML.
    Html,
    /// Inline XBRL inside `<XBRL>`, with an extracted instance.
    Inline,
    /// A structured form in `<XML>`, `primary_doc.xml`.
    Xml {
        /// Folder of the rendering, as EFTS says it.
        xsl: &'static str,
    },
    /// A placeholder for a filing on paper.
    Paper,
}

/// One row of the table of forms.
#[derive(Debug)]
pub(crate) struct FormRule {
    /// As in the feed.
    pub(crate) form: &'static str,
    /// How often, relative to the other rows.
    pub(crate) weight: u32,
    /// Who takes part.
    pub(crate) cast: Cast,
    /// The median submission in kilobytes.
    pub(crate) median_kb: f64,
    /// Spread of the logarithm of the size.
    pub(crate) sigma: f64,
    /// Two digits: the act it is filed under.
    pub(crate) act: &'static str,
    /// How it is written.
    pub(crate) primary: Primary,
}

impl FormRule {
    /// The form without `/A`, as EFTS groups forms.
    pub(crate) fn root(&self) -> &'static str {
        self.form.strip_suffix("/A").unwrap_or(self.form)
    }
}

/// One numbered item of an 8-K or a D.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// `5.02`.
    pub(crate) code: &'static str,
    /// As the feed and the header print it.
    pub(crate) title: &'static str,
}

/// The rule for `form`, when the world knows that form.
pub(crate) fn rule(form: &str) -> Option<&'static FormRule> {
    FORMS.iter().find(|rule| rule.form == form)
}

const fn row(
    form: &'static str,
    weight: u32,
    cast: Cast,
    median_kb: f64,
    sigma: f64,
    act: &'static str,
    primary: Primary,
) -> FormRule {
    FormRule {
        form,
        weight,
        cast,
        median_kb,
        sigma,
        act,
        primary,
    }
}

const OWNERSHIP_XML: Primary = Primary::Xml { xsl: "xslF345X05" };
const D_XML: Primary = Primary::Xml { xsl: "xslFormDX01" };
const STAKE_XML: Primary = Primary::Xml {
    xsl: "xslSCHEDULE_13G_X02",
};
const HOLDINGS_XML: Primary = Primary::Xml {
    xsl: "xslForm13F_X02",
};

/// Every form the world files.
#[rustfmt::skip]
pub(crate) const FORMS: &[FormRule] = &[
    row("4", 41_233, Cast::Ownership, 6.3, 0.5, "34", OWNERSHIP_XML),
    row("4/A", 550, Cast::Ownership, 6.5, 0.5, "34", OWNERSHIP_XML),
    row("3", 4_300, Cast::Ownership, 5.2, 0.4, "34", OWNERSHIP_XML),
    row("424B2", 36_595, Cast::Notes, 640.0, 1.1, "33", Primary::Html),
    row("8-K", 21_558, Cast::CoRegistrants, 331.0, 1.3, "34", Primary::Inline),
    row("8-K/A", 620, Cast::CoRegistrants, 380.0, 1.4, "34", Primary::Inline),
    row("NPORT-P", 19_432, Cast::Fund, 373.0, 1.9, "40", Primary::Xml { xsl: "xslFormNPORT-P_X01" }),
    row("13F-HR", 13_294, Cast::One(FilerKind::Manager), 60.0, 1.3, "34", HOLDINGS_XML),
    row("13F-HR/A", 420, Cast::One(FilerKind::Manager), 60.0, 1.3, "34", HOLDINGS_XML),
    row("D", 11_852, Cast::One(FilerKind::Venture), 7.5, 0.3, "33", D_XML),
    row("D/A", 5_100, Cast::One(FilerKind::Venture), 7.6, 0.3, "33", D_XML),
    row("144", 11_787, Cast::Sale, 5.8, 0.3, "33", Primary::Xml { xsl: "xsl144X01" }),
    row("6-K", 9_381, Cast::One(FilerKind::Foreign), 210.0, 1.6, "34", Primary::Html),
    row("10-Q", 9_246, Cast::CoRegistrants, 8_700.0, 0.8, "34", Primary::Inline),
    row("10-Q/A", 150, Cast::CoRegistrants, 6_000.0, 1.0, "34", Primary::Inline),
    row("10-K", 900, Cast::CoRegistrants, 14_000.0, 0.8, "34", Primary::Inline),
    row("N-PX", 9_242, Cast::Fund, 180.0, 1.6, "40", Primary::Xml { xsl: "xslN-PX_X02" }),
    row("FWP", 8_575, Cast::FreeWriting, 420.0, 1.0, "33", Primary::Html),
    row("497", 2_600, Cast::Fund, 90.0, 1.2, "33", Primary::Html),
    row("497K", 2_500, Cast::Fund, 110.0, 0.8, "33", Primary::Html),
    row("485BPOS", 700, Cast::Fund, 2_100.0, 1.0, "33", Primary::Html),
    row("N-CEN", 1_500, Cast::Fund, 70.0, 1.0, "40", Primary::Xml { xsl: "xslFormN-CEN_X01" }),
    row("SCHEDULE 13G", 3_100, Cast::Stake, 14.0, 0.7, "34", STAKE_XML),
    row("SCHEDULE 13G/A", 4_200, Cast::Stake, 14.0, 0.7, "34", STAKE_XML),
    row("SCHEDULE 13D/A", 1_600, Cast::Stake, 40.0, 0.9, "34", Primary::Xml { xsl: "xslSCHEDULE_13D_X02" }),
    row("424B3", 2_500, Cast::CoRegistrants, 900.0, 1.5, "33", Primary::Html),
    row("S-1/A", 500, Cast::CoRegistrants, 5_000.0, 0.9, "33", Primary::Html),
    row("S-8", 900, Cast::CoRegistrants, 190.0, 0.7, "33", Primary::Html),
    row("DEF 14A", 600, Cast::CoRegistrants, 3_000.0, 0.9, "34", Primary::Inline),
    row("DEFA14A", 900, Cast::CoRegistrants, 160.0, 1.2, "34", Primary::Html),
    row("425", 1_000, Cast::FreeWriting, 80.0, 1.3, "33", Primary::Html),
    row("EFFECT", 1_500, Cast::One(FilerKind::Company), 1.6, 0.05, "33", Primary::Xml { xsl: "xslEFFECTX01" }),
    row("10-D", 2_500, Cast::One(FilerKind::Bank), 140.0, 1.0, "34", Primary::Html),
    row("1/A", 90, Cast::One(FilerKind::Company), 1.1, 0.2, "34", Primary::Paper),
];

/// Items of Form 8-K, most frequent first; the last one goes with exhibits.
#[rustfmt::skip]
pub(crate) const EIGHT_K_ITEMS: &[Item] = &[
    Item { code: "8.01", title: "Other Events" },
    Item { code: "5.02", title: "Departure of Directors or Certain Officers; Election of Directors; Appointment of Certain Officers: Compensatory Arrangements of Certain Officers" },
    Item { code: "7.01", title: "Regulation FD Disclosure" },
    Item { code: "1.01", title: "Entry into a Material Definitive Agreement" },
    Item { code: "2.02", title: "Results of Operations and Financial Condition" },
    Item { code: "5.03", title: "Amendments to Articles of Incorporation or Bylaws; Change in Fiscal Year" },
    Item { code: "5.07", title: "Submission of Matters to a Vote of Security Holders" },
    Item { code: "2.03", title: "Creation of a Direct Financial Obligation or an Obligation under an Off-Balance Sheet Arrangement of a Registrant" },
    Item { code: "3.02", title: "Unregistered Sales of Equity Securities" },
    Item { code: "3.03", title: "Material Modifications to Rights of Security Holders" },
    Item { code: "3.01", title: "Notice of Delisting or Failure to Satisfy a Continued Listing Rule or Standard; Transfer of Listing" },
    Item { code: "2.01", title: "Completion of Acquisition or Disposition of Assets" },
    Item { code: "1.02", title: "Termination of a Material Definitive Agreement" },
    Item { code: "4.01", title: "Changes in Registrant's Certifying Accountant" },
    Item { code: "5.05", title: "Amendments to the Registrant's Code of Ethics, or Waiver of a Provision of the Code of Ethics" },
    Item { code: "9.01", title: "Financial Statements and Exhibits" },
];

/// Items of Form D that the feed shows.
pub(crate) const D_ITEMS: &[Item] = &[
    Item {
        code: "3C",
        title: "Investment Company Act Section 3(c)",
    },
    Item {
        code: "3C.1",
        title: "Section 3(c)(1)",
    },
    Item {
        code: "3C.5",
        title: "Section 3(c)(5)",
    },
    Item {
        code: "3C.7",
        title: "Section 3(c)(7)",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_an_amendment_is_the_amended_form() {
        let rule = rule("SCHEDULE 13G/A").expect("in the table");

        assert_eq!(rule.root(), "SCHEDULE 13G");
    }
}
