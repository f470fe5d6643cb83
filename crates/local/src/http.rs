//! HTTP/1.1 over loopback, as far as the Lambda Runtime API and the account's control port need it.
//!
//! Written out because a server framework would add its features to every crate of the workspace
//! that is built together with this one, and so change what the functions are made of.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// No message on loopback comes near this; a length beyond it is a mistake.
const MOST_BYTES: usize = 64 << 20;

/// One request.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub struct Response {
    /// For example 200.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer without headers of its own.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A header's value; names are compared without case.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A server on a free port of 127.0.0.1. It stops taking connections when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Serves each connection on a thread of its own.
    ///
    /// # Errors
    /// No port could be had.
    pub fn start(
        handler: impl Fn(Request) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let handler = Arc::new(handler);
        let flag = Arc::clone(&stopped);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let handler = Arc::clone(&handler);
                // A connection that breaks is its client's loss alone.
                std::thread::spawn(move || serve(stream, handler.as_ref()));
            }
        });
        Ok(Self { address, stopped })
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The listener sleeps in accept: one connection wakes it, so that it sees the flag.
        drop(TcpStream::connect_timeout(
            &self.address,
            Duration::from_millis(200),
        ));
    }
}

fn serve(stream: TcpStream, handler: &(dyn Fn(Request) -> Response + Send + Sync)) {
    drop(stream.set_nodelay(true));
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read_request(&mut reader) {
        let response = handler(request);
        if write_response(&mut writer, &response).is_err() {
            return;
        }
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read_headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    while let Some(line) = read_line(reader)? {
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| malformed("a header without a colon"))?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Err(malformed("the headers do not end"))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn read_exactly(reader: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    if length > MOST_BYTES {
        return Err(malformed("a body beyond all measure"));
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_body(reader: &mut impl BufRead, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
    if header(headers, "transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        let mut body = Vec::new();
        loop {
            let size = read_line(reader)?.ok_or_else(|| malformed("the chunks do not end"))?;
            let size = size.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size.trim(), 16)
                .map_err(|_| malformed("a chunk without a size"))?;
            if size == 0 {
                read_headers(reader)?;
                return Ok(body);
            }
            body.extend(read_exactly(reader, size)?);
            read_line(reader)?;
        }
    }
    match header(headers, "content-length") {
        None => Ok(Vec::new()),
        Some(length) => {
            let length = length
                .parse()
                .map_err(|_| malformed("a length of no number"))?;
            read_exactly(reader, length)
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let Some(line) = read_line(reader)? else {
        return Ok(None);
    };
    let mut words = line.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(malformed("no request line"));
    };
    let headers = read_headers(reader)?;
    let body = read_body(reader, &headers)?;
    Ok(Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
    }))
}

fn write_response(writer: &mut impl Write, response: &Response) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} -\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", response.body.len()));
    let mut message = head.into_bytes();
    message.extend_from_slice(&response.body);
    writer.write_all(&message)?;
    writer.flush()
}

/// Posts to `http://AUTHORITY/PATH` and waits for the answer.
///
/// # Errors
/// The connection failed or ended early, or nothing came within `timeout`.
pub fn post(url: &str, body: &[u8], timeout: Duration) -> io::Result<Response> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| malformed("not an http address"))?;
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, "/".to_owned()),
    };
    let mut stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(timeout))?;
    let mut message = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    message.extend_from_slice(body);
    stream.write_all(&message)?;
    let mut reader = BufReader::new(stream);
    let line = read_line(&mut reader)?.ok_or_else(|| malformed("no answer"))?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| malformed("no status"))?;
    let headers = read_headers(&mut reader)?;
    let body = match header(&headers, "content-length") {
        Some(_) => read_body(&mut reader, &headers)?,
        None => {
            let mut body = Vec::new();
            reader.read_to_end(&mut body)?;
            body
        }
    };
    Ok(Response {
        status,
        headers,
        body,
    })
}

/// Undoes percent-encoding; what is no encoding stays.
pub fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        match (digit(ahead.next()), digit(ahead.next())) {
            (Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                bytes = ahead;
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_on_a_kept_connection_chunked_or_not() {
        let server = Server::start(|request| {
            let mut body = request.path.into_bytes();
            body.extend_from_slice(&request.body);
            Response::new(201, body).header("X-Said", request.method)
        })
        .unwrap();
        let mut stream = TcpStream::connect(server.authority()).unwrap();
        stream
            .write_all(
                b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n2;e=1\r\n12\r\n0\r\n\r\n\
                  GET /b HTTP/1.1\r\nHost: h\r\n\r\n",
            )
            .unwrap();
        let mut reader = BufReader::new(stream);
        for expected in ["/axyz12", "/b"] {
            assert_eq!(read_line(&mut reader).unwrap().unwrap(), "HTTP/1.1 201 -");
            let headers = read_headers(&mut reader).unwrap();
            assert_eq!(
                read_body(&mut reader, &headers).unwrap(),
                expected.as_bytes()
            );
        }
    }

    #[test]
    fn post_gets_status_header_and_body() {
        let server =
            Server::start(|request| Response::new(202, request.body).header("X-A", "b")).unwrap();
        let url = format!("http://{}/p", server.authority());
        let answer = post(&url, b"hello", Duration::from_secs(5)).unwrap();
        assert_eq!(
            (answer.status, answer.value("x-a"), answer.body.as_slice()),
            (202, Some("b"), b"hello".as_slice())
        );
    }

    #[test]
    fn arns_survive_the_path() {
        assert_eq!(percent_decoded("arn%3Aaws%3Alambda"), "arn:aws:lambda");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%41"), "%zzA");
    }
}
