use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

/// What a sink offers and how it takes a recipient.
#[derive(Clone, Copy)]
struct Manners {
    offers: &'static str,
    recipient: &'static str,
}

const USUAL: Manners = Manners { offers: "250 8BITMIME", recipient: "250 ok" };

/// A mail server that talks to one client and returns what it heard, line by line.
async fn sink(manners: Manners) -> (Url, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = Url::parse(&format!("smtp://{address}")).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        talk(stream, manners).await
    });
    (url, heard)
}

async fn talk(stream: TcpStream, manners: Manners) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    let mut heard = Vec::new();
    let mut in_letter = false;
    let hello = format!("250-sink\r\n{}", manners.offers);
    say(&mut stream, "220 sink").await;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return heard;
        }
        let line = line.trim_end().to_owned();
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            _ if in_letter => (line == ".").then_some("250 taken"),
            "EHLO" => Some(hello.as_str()),
            "RCPT" => Some(manners.recipient),
            "DATA" => Some("354 go on"),
            "STARTTLS" => Some("220 go on"),
            "QUIT" => Some("221 bye"),
            _ => Some("250 ok"),
        };
        in_letter = if in_letter { line != "." } else { line == "DATA" };
        if let Some(answer) = answer {
            say(&mut stream, answer).await;
        }
        heard.push(line);
    }
}

async fn say(stream: &mut BufReader<TcpStream>, answer: &str) {
    // A client that has gone is seen when it is read from.
    let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
}

const FROM: &str = "Marca <nao-responda@agenda.example>";

fn mail(to: &str) -> Mail {
    let (subject, text) = ("Nova senha - Ação", "Olá!\n\nmp_x\n");
    Mail { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() }
}

#[tokio::test]
async fn a_letter_is_handed_over_with_its_envelope_and_headers() {
    let (url, heard) = sink(USUAL).await;
    let notifier = SmtpNotifier::new(&url, FROM).unwrap();
    notifier.send(mail("ana@academia.example")).await.unwrap();
    drop(notifier);
    let heard = heard.await.unwrap();
    let said = |line: &str| {
        assert!(heard.iter().any(|heard| heard.starts_with(line)), "{line}: {heard:#?}");
    };
    said("EHLO agenda.example");
    said("MAIL FROM:<nao-responda@agenda.example>");
    said("RCPT TO:<ana@academia.example>");
    said("From: Marca <nao-responda@agenda.example>");
    said("To: ana@academia.example");
    said("Subject: Nova senha - =?utf-8?b?QcOnw6Nv?=");
    said("Content-Type: text/plain; charset=utf-8");
    said("Message-ID: <");
    // The text, as it says itself, in base64.
    said("T2zDoSENCg0KbXBfeA0K");
}

#[tokio::test]
async fn a_refusal_has_its_code_and_nothing_of_the_servers_words() {
    let recipient = "550 no ana@academia.example here";
    let (url, heard) = sink(Manners { recipient, ..USUAL }).await;
    let notifier = SmtpNotifier::new(&url, FROM).unwrap();
    let refused = notifier.send(mail("ana@academia.example")).await.unwrap_err();
    assert_eq!(refused, NotifyError::Refused(Some(550)));
    assert_eq!(refused.to_string(), "the mail server refused with code 550");
    drop(notifier);
    heard.await.unwrap();
}

#[tokio::test]
async fn beyond_this_machine_nothing_is_said_without_tls() {
    // The same server, treated as one that is far away: it offers no STARTTLS.
    let (url, heard) = sink(USUAL).await;
    let notifier = SmtpNotifier::with(&url, FROM, false, LETTER).unwrap();
    notifier.send(mail("ana@academia.example")).await.unwrap_err();
    drop(notifier);
    let heard = heard.await.unwrap();
    assert!(
        !heard.iter().any(|line| line.starts_with("MAIL") || line.contains("mp_x")),
        "{heard:#?}"
    );
    // One that offers it and then speaks no TLS.
    let (url, heard) = sink(Manners { offers: "250 STARTTLS", ..USUAL }).await;
    let notifier = SmtpNotifier::with(&url, FROM, false, LETTER).unwrap();
    notifier.send(mail("ana@academia.example")).await.unwrap_err();
    drop(notifier);
    let heard = heard.await.unwrap();
    assert!(heard.contains(&"STARTTLS".to_owned()), "{heard:#?}");
    assert!(
        !heard.iter().any(|line| line.starts_with("MAIL") || line.contains("mp_x")),
        "{heard:#?}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let refused = SmtpNotifier::new(&url, FROM).unwrap().send(mail("ana@academia.example")).await;
    assert_eq!(refused, Err(NotifyError::Unreachable));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_in_bounds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
    let impatient = SmtpNotifier::with(&url, FROM, true, Duration::from_millis(50)).unwrap();
    let refused = impatient.send(mail("ana@academia.example")).await;
    assert_eq!(refused, Err(NotifyError::Unreachable));
    drop(listener);
}

#[tokio::test]
async fn an_address_that_would_add_a_header_is_not_valid() {
    let url = Url::parse("smtp://127.0.0.1:1").unwrap();
    let notifier = SmtpNotifier::new(&url, FROM).unwrap();
    for to in ["a@b.example\r\nBcc: c@d.example", "", "a b@c.example"] {
        assert_eq!(notifier.send(mail(to)).await, Err(NotifyError::NotValid), "{to}");
    }
    // A subject is folded and encoded: it cannot end its header either.
    let mut sly = mail("ana@academia.example");
    sly.subject = "x\r\nBcc: c@d.example".to_owned();
    let written = notifier.message(sly).map(|message| message.formatted());
    let written = String::from_utf8(written.unwrap_or_default()).unwrap();
    assert!(!written.lines().any(|line| line.starts_with("Bcc")), "{written}");
}

#[test]
fn only_this_machine_is_spoken_to_in_the_open() {
    for (url, open) in [
        ("smtp://localhost:25", true),
        ("smtp://127.0.0.1:1025", true),
        ("smtp://mail.example:587", false),
        ("smtp://10.0.0.1", false),
        ("smtp://localhost.example", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), open, "{url}");
    }
    let secret = Url::parse("smtps://user:p%40ss@mail.example").unwrap();
    assert!(SmtpNotifier::new(&secret, FROM).is_ok());
}
