package transport

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
)

// writeSize is what is sent at once: the head and a body that fits behind it, in one call to the kernel.
const writeSize = 16 << 10

// send writes a request and closes its body.
func (c *conn) send(req *http.Request) error {
	defer closeBody(req)
	w := writers.Get().(*bufio.Writer) //nolint:forcetypeassert // the pool holds nothing else
	w.Reset(c.Conn)
	defer func() {
		w.Reset(nil)
		writers.Put(w)
	}()
	if !plain(req) {
		// The rare shapes are written by the library.
		if err := req.Write(w); err != nil {
			return err
		}
		return w.Flush()
	}
	writeHead(w, req)
	if req.Body != nil {
		n, err := io.Copy(w, req.Body)
		if err != nil {
			return err
		}
		if n != req.ContentLength {
			return io.ErrUnexpectedEOF
		}
	}
	return w.Flush()
}

// plain reports whether a request is of the shape that adapters make: its length is known, and nothing in its head came
// from elsewhere than an adapter, which checks what it lets in.
func plain(req *http.Request) bool {
	return req.ContentLength >= 0 && (req.Body == nil) == (req.ContentLength == 0) && len(req.TransferEncoding) == 0 &&
		len(req.Trailer) == 0 && !req.Close
}

// writeHead writes the request line and the headers. Errors stick to w.
func writeHead(w *bufio.Writer, req *http.Request) {
	text := func(parts ...string) {
		for _, p := range parts {
			_, _ = w.WriteString(p)
		}
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	text(req.Method, " ", req.URL.RequestURI(), " HTTP/1.1\r\nHost: ", host, "\r\n")
	if req.Body != nil || req.Method == http.MethodPost || req.Method == http.MethodPut {
		var digits [20]byte
		text("Content-Length: ")
		_, _ = w.Write(strconv.AppendInt(digits[:0], req.ContentLength, 10))
		text("\r\n")
	}
	for name, values := range req.Header {
		if name == "Host" || name == "Content-Length" || name == "Transfer-Encoding" {
			continue
		}
		for _, v := range values {
			text(name, ": ", v, "\r\n")
		}
	}
	text("\r\n")
}
