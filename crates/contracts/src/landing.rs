//! The landing page of the gateway: one card for every service, nothing fetched from another host.

/// The page at `/`, pt-BR, self-contained.
pub fn html() -> String {
    let mut cards = String::new();
    for (title, text, docs, base) in CARDS {
        cards.push_str(
            &CARD
                .replace("{{title}}", title)
                .replace("{{text}}", text)
                .replace("{{docs}}", docs)
                .replace("{{base}}", base),
        );
    }
    PAGE.replace("{{cards}}", &cards)
}

const CARD: &str = r#"<a class="card" href="/api-docs/{{docs}}"><h2>{{title}}</h2><p>{{text}}</p><code>{{base}}</code><span>Abrir documentação →</span></a>
"#;

const CARDS: &[(&str, &str, &str, &str)] = &[
    ("Tenants", "Empresas, marca, fuso horário e regras de agendamento.", "tenants", "/tenants/"),
    ("Usuários", "Pessoas, permissões e sessões.", "users", "/users/ · /auth"),
    (
        "Recursos",
        "Categorias, recursos e disponibilidade.",
        "resources",
        "/resources/ · /categories/",
    ),
    ("Reservas", "Criação, alteração e cancelamento de reservas.", "bookings", "/bookings/"),
];

const PAGE: &str = r#"<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Marca · plataforma de agendamentos</title>
<link rel="icon" href="data:,">
<style>
:root{color-scheme:light dark;--ink:#1b1f2a;--soft:#5a6275;--bg:#f6f7fb;--card:#fff;--line:#e2e5ee;--brand:#3b5bdb}
@media(prefers-color-scheme:dark){:root{--ink:#eef0f6;--soft:#a3abbd;--bg:#12141b;--card:#1b1f2a;--line:#2c3242;--brand:#91a7ff}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--bg)}
main{max-width:60rem;margin:0 auto;padding:4rem 1.25rem}
h1{font-size:2.25rem;margin:0 0 .5rem}
header p{color:var(--soft);max-width:42rem;margin:0 0 2.5rem}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem}
.card{display:flex;flex-direction:column;gap:.5rem;padding:1.25rem;border:1px solid var(--line);border-radius:.75rem;background:var(--card);color:inherit;text-decoration:none}
.card:hover,.card:focus-visible{border-color:var(--brand);outline:none;box-shadow:0 0 0 3px color-mix(in srgb,var(--brand) 25%,transparent)}
.card h2{font-size:1.15rem;margin:0}
.card p{margin:0;color:var(--soft);flex:1}
.card code{font-size:.85rem;color:var(--soft)}
.card span{color:var(--brand);font-weight:600}
footer{margin-top:2.5rem;color:var(--soft);font-size:.9rem}
</style>
</head>
<body>
<main>
<header>
<h1>Marca</h1>
<p>Agendamento multiempresa, com a marca de cada negócio. Uma API aberta: cada serviço abaixo tem a sua documentação, pronta para experimentar no navegador.</p>
</header>
<section class="grid" aria-label="Serviços">
{{cards}}</section>
<footer>Estado do gateway: <a href="/health">/health</a></footer>
</main>
</body>
</html>
"#;
