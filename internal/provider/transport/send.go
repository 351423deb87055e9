package transport

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// writeSize is what is sent at once: the head and a body that fits behind it, in one call to the kernel.
const writeSize = 16 << 10

// heads keeps the memory in which requests begin.
var heads = sync.Pool{New: func() any { return new([writeSize]byte) }}

// send writes a request and closes its body. Error: io.ErrUnexpectedEOF where the body is not as long as the request says, and the
// connection's.
func (c *conn) send(req *http.Request) error {
	defer closeBody(req)
	if !plain(req) {
		// The rare shapes are written by the library.
		w := bufio.NewWriterSize(c.Conn, writeSize)
		if err := req.Write(w); err != nil {
			return err
		}
		return w.Flush()
	}
	memory := heads.Get().(*[writeSize]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer heads.Put(memory)
	head := appendHead(memory[:0], req)
	if req.Body == nil {
		_, err := c.Conn.Write(head)
		return err
	}
	along := min(int64(cap(head)-len(head)), req.ContentLength)
	b := head[:len(head)+int(along)]
	if _, err := io.ReadFull(req.Body, b[len(head):]); err != nil {
		return unended(err)
	}
	if _, err := c.Conn.Write(b); err != nil || along == req.ContentLength {
		return err
	}
	n, err := io.Copy(c.Conn, req.Body)
	if err == nil && along+n != req.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// unended says of a body that has ended that it should not have.
func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// plain reports whether a request is of the shape that adapters make: its length is known, and nothing in its head came
// from elsewhere than an adapter, which checks what it lets in.
func plain(req *http.Request) bool {
	return req.ContentLength >= 0 && (req.Body == nil) == (req.ContentLength == 0) && len(req.TransferEncoding) == 0 &&
		len(req.Trailer) == 0 && !req.Close
}

// appendHead appends the request line and the headers.
func appendHead(b []byte, req *http.Request) []byte {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	b = appendTexts(b, req.Method, " ", req.URL.RequestURI(), " HTTP/1.1\r\nHost: ", host, "\r\n")
	if req.Body != nil || req.Method == http.MethodPost || req.Method == http.MethodPut {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), req.ContentLength, 10), "\r\n"...)
	}
	for name, values := range req.Header {
		if name == "Host" || name == "Content-Length" || name == "Transfer-Encoding" {
			continue
		}
		for _, v := range values {
			b = appendTexts(b, name, ": ", v, "\r\n")
		}
	}
	return append(b, "\r\n"...)
}

// appendTexts is not inlined: a call alone waits for every line of its code that is not in the processor's caches.
//
//go:noinline
func appendTexts(b []byte, texts ...string) []byte {
	for _, t := range texts {
		b = append(b, t...)
	}
	return b
}
