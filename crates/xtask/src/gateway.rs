//! `cargo xtask gateway`: the nginx configuration of docker-compose and the landing page.

use crate::failure::Failure;
use crate::generated::{self, Options};
use testkit::gateway;

pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let files = [
        ("infra/nginx/routes.conf", gateway::routes()),
        ("infra/nginx/nginx.conf", gateway::render(&gateway::Settings::compose())),
        ("infra/nginx/html/index.html", contracts::landing::html()),
    ];
    generated::settle(options, "gateway", &files.map(|(path, text)| (path.to_owned(), text)))
}
