package transport

import (
	"bufio"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/http1/field"
)

// version begins a status line that is read here.
const version = "HTTP/1.1 "

// chunked is what an answer says of its body when it comes in chunks; shared, and only read.
var chunked = []string{"chunked"}

// readHead reads the head of the next answer into resp: a plain one itself, and any other by the library, at more than twice the cost.
func readHead(r *bufio.Reader, req *http.Request, resp *http.Response) error {
	*resp = http.Response{} // a head before may have left something
	if _, err := r.Peek(1); err == nil && req.Method == http.MethodPost {
		b, _ := r.Peek(r.Buffered())
		if n := parseHead(resp, b); n > 0 {
			resp.Request = req
			_, err = r.Discard(n)
			return err
		}
	}
	read, err := http.ReadResponse(r, req)
	if err != nil {
		return err
	}
	*resp = *read
	return nil
}

// parseHead reads the head of a plain answer to a POST into resp, and returns the head's length; 0 is for every other, and for one
// that has not come whole. A plain answer has a body, and says where that ends. What resp is then is what http.ReadResponse makes of
// the same bytes, but for the body, which nobody has opened. Source: decision 0042.
func parseHead(resp *http.Response, b []byte) int {
	line, fields, length := field.Head(b)
	if length == 0 || !parseLine(resp, line) || !parseFields(resp, fields) {
		return 0
	}
	return length
}

// parseLine reads the status line of a final answer that may have a body.
func parseLine(resp *http.Response, line string) bool {
	status, ok := strings.CutPrefix(line, version)
	const digits = 3
	if !ok || len(status) < digits || !field.Value.All(status) || len(status) > digits && status[digits] != ' ' {
		return false
	}
	code := 0
	for _, d := range []byte(status[:digits]) {
		if d < '0' || d > '9' {
			return false
		}
		code = code*10 + int(d-'0')
	}
	if code < http.StatusOK || code == http.StatusNoContent || code == http.StatusNotModified {
		return false
	}
	resp.Status, resp.StatusCode = status, code
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/1.1", 1, 1
	return true
}

// parseFields reads the fields of the header. It reports false where one is malformed or unusual, and where none says how long the
// body is.
func parseFields(resp *http.Response, text string) (ok bool) {
	resp.ContentLength = -1
	resp.Header, ok = field.Parse(text, func(before http.Header, name, value string) (stays, usual bool) {
		return name != "Transfer-Encoding", note(resp, before, name, value)
	})
	return ok && (resp.ContentLength >= 0) != (resp.TransferEncoding != nil)
}

// note takes from a field what the connection needs to know. It reports false for what is not plain.
func note(resp *http.Response, before http.Header, name, value string) (ok bool) {
	switch name {
	case "Content-Length":
		if before[name] != nil {
			return false
		}
		resp.ContentLength, ok = field.Length(value)
		return ok
	case "Transfer-Encoding":
		ok = resp.TransferEncoding == nil && strings.EqualFold(value, "chunked")
		resp.TransferEncoding = chunked
		return ok
	case "Connection":
		closes, usual := field.Closes(value)
		return before[name] == nil && usual && !closes // the library takes a close out of the header
	case "Trailer", "Upgrade", "Pragma":
		return false
	}
	return true
}
