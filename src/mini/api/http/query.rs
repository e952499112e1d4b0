//! The parameters of a request.

/// The parameters after the question mark, in order. What cannot be read is taken as absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
        Self(pairs.filter(|(name, _)| !name.is_empty()).collect())
    }

    /// The first value of a parameter; empty if it is absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let pairs = self.0.iter().filter(|(other, _)| other == name);
        pairs.map(|(_, value)| value.as_str()).collect()
    }

    /// A parameter that is true or false; absent if it is not there.
    pub(crate) fn choice(&self, name: &str) -> Option<bool> {
        self.get(name)
            .map(|value| !matches!(value, "0") && !value.eq_ignore_ascii_case("false"))
    }

    /// The parameter is there and not false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.choice(name).unwrap_or(false)
    }

    /// A parameter that is a whole number.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.get(name).and_then(|value| value.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_ampersands_and_several_values_are_read() {
        let query = Query::parse("&command=sh&command=-c+true&stdin=true&tty=false&limit=5&");
        assert_eq!(query.all("command"), ["sh", "-c true"]);
        assert!(query.flag("stdin"));
        assert!(!query.flag("tty"));
        assert_eq!(query.choice("stdout"), None);
        assert_eq!(query.number::<usize>("limit"), Some(5));
        assert_eq!(query.text("continue"), "");
    }
}
