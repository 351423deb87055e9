package http1

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/http1/field"
)

const (
	method  = "POST "
	version = " HTTP/1.1"
)

// Of a target less is plain than the standard allows.
var (
	inPath  = field.ClassOf(field.Alphanumeric + "/-._~:@")
	inQuery = field.ClassOf(field.Alphanumeric + "/-._~:@=&+,;%!*()'$?")
	inHost  = field.ClassOf(field.Alphanumeric + "-.:[]")
)

// parseHead reads the head of a plain request into req, and returns the head's length; 0 is for every other, and for one that has
// not come whole. What req is then is what http.ReadRequest makes of the same bytes.
func parseHead(req *http.Request, b []byte) int {
	line, fields, length := field.Head(b)
	if length == 0 || !parseLine(req, line) || !parseFields(req, fields) {
		return 0
	}
	return length
}

// parseLine reads the request line: a POST to a path in which nothing is escaped, with or without a query.
func parseLine(req *http.Request, line string) bool {
	target, ok := strings.CutPrefix(line, method)
	if !ok {
		return false
	}
	if target, ok = strings.CutSuffix(target, version); !ok {
		return false
	}
	path, query, asked := strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || !inPath.All(path) || asked && query == "" || !inQuery.All(query) {
		return false
	}
	req.Method, req.URL, req.RequestURI = http.MethodPost, &url.URL{Path: path, RawQuery: query}, target
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	return true
}

// parseFields reads the fields of the header. It reports false where one is malformed, unusual, or says something of the
// connection or of the body that is not plain.
func parseFields(req *http.Request, text string) (ok bool) {
	req.ContentLength = -1
	req.Header, ok = field.Parse(text, func(before http.Header, name, value string) (stays, usual bool) {
		return name != "Host", note(req, before, name, value)
	})
	return ok && req.Host != "" && req.ContentLength >= 0
}

// note takes from a field what the server needs to know. It reports false for what is not plain.
func note(req *http.Request, before http.Header, name, value string) (ok bool) {
	switch name {
	case "Host":
		ok = req.Host == "" && value != "" && inHost.All(value)
		req.Host = value
		return ok
	case "Content-Length":
		if before[name] != nil {
			return false
		}
		req.ContentLength, ok = field.Length(value)
		return ok
	case "Connection":
		if before[name] != nil {
			return false
		}
		req.Close, ok = field.Closes(value)
		return ok
	case "Transfer-Encoding", "Trailer", "Te", "Upgrade", "Expect", "Keep-Alive", "Proxy-Connection", "Pragma", "Http2-Settings":
		return false
	}
	return true
}
