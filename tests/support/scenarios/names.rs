//! The names, addresses and tokens that scenarios use. Hosts, people and repositories are invented; the addresses are
//! those at which the services answered when this was written, so that joins by address look as they do in real logs.

/// A server: the name that is asked for, the address that answers, and the name that a reverse lookup gives.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    pub name: &'static str,
    pub address: &'static str,
    /// `-` where the address has no name.
    pub reverse_name: &'static str,
}

const fn server(name: &'static str, address: &'static str, reverse_name: &'static str) -> Server {
    Server { name, address, reverse_name }
}

pub const GITHUB: Server = server("github.com", "140.82.121.4", "lb-140-82-121-4-fra.github.com");
pub const GITHUB_API: Server = server("api.github.com", "140.82.121.6", "lb-140-82-121-6-fra.github.com");
pub const GIST: Server = server("gist.github.com", "140.82.121.3", "lb-140-82-121-3-fra.github.com");
pub const GITLAB: Server = server("gitlab.com", "172.65.251.78", "-");
pub const BITBUCKET: Server = server("bitbucket.org", "185.166.143.48", "-");
pub const AZURE: Server = server("dev.azure.com", "13.107.42.20", "-");
pub const CODEBERG: Server = server("codeberg.org", "217.197.84.140", "codeberg.org");

/// Tokens that look right and open nothing.
pub const TOKEN: &str = "ghp_FAKE0fixture0token0never0valid000001";
pub const OTHER_TOKEN: &str = "ghp_FAKE0fixture0token0never0valid000002";

/// Name of the other side in Sysmon's Event 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The very name that was asked for (a hosts file, a proxy's PAC, or luck).
    Asked,
    /// Result of the reverse lookup.
    Reverse,
    /// `-`: DnsLookup is off.
    Dash,
    /// Nothing.
    Empty,
}

impl Shown {
    /// The DestinationHostname of a connection to `server`.
    pub const fn hostname(self, server: &Server) -> &'static str {
        match self {
            Self::Asked => server.name,
            Self::Reverse => server.reverse_name,
            Self::Dash => "-",
            Self::Empty => "",
        }
    }
}
