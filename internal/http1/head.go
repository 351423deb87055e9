package http1

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

const (
	method  = "POST "
	version = " HTTP/1.1"
	// maxDigits is how long a Content-Length may be.
	maxDigits = 15
)

var headEnd = []byte("\r\n\r\n")

// parseHead reads the head of a plain request into req, and returns the head's length; 0 is for every other, and for one that has
// not come whole. What req is then is what http.ReadRequest makes of the same bytes.
func parseHead(req *http.Request, b []byte) (length int) {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		return 0
	}
	line, fields, _ := strings.Cut(string(b[:end]), "\r\n")
	if !parseLine(req, line) || !parseFields(req, fields) {
		return 0
	}
	return end + len(headEnd)
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
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || !all(path, inPath) || asked && query == "" || !all(query, inQuery) {
		return false
	}
	req.Method, req.URL, req.RequestURI = http.MethodPost, &url.URL{Path: path, RawQuery: query}, target
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	return true
}

// parseFields reads the fields of the header. It reports false where one is malformed, unusual, or says something of the
// connection or of the body that is not plain.
func parseFields(req *http.Request, text string) bool {
	n := 1 + strings.Count(text, "\r\n")
	req.Header = make(http.Header, n)
	req.ContentLength = -1
	values := make([]string, 0, n) // of all fields, each of which has one
	for text != "" {
		var field string
		field, text, _ = strings.Cut(text, "\r\n")
		name, value, ok := strings.Cut(field, ":")
		value = strings.Trim(value, " \t")
		if !ok || name == "" || !all(name, inToken) || !all(value, inValue) {
			return false
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if !note(req, name, value) {
			return false
		}
		if name == "Host" {
			continue
		}
		if first, ok := req.Header[name]; ok {
			req.Header[name] = append(first, value)
			continue
		}
		values = append(values, value)
		req.Header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return req.Host != "" && req.ContentLength >= 0
}

// note takes from a field what the server needs to know. It reports false for what is not plain.
func note(req *http.Request, name, value string) bool {
	switch name {
	case "Host":
		if req.Host != "" || value == "" || !all(value, inHost) {
			return false
		}
		req.Host = value
	case "Content-Length":
		n, err := strconv.ParseInt(value, 10, 64)
		if req.ContentLength >= 0 || err != nil || len(value) > maxDigits || !all(value, inNumber) {
			return false
		}
		req.ContentLength = n
	case "Connection":
		if len(req.Header["Connection"]) > 0 {
			return false
		}
		req.Close = strings.EqualFold(value, "close")
		return req.Close || strings.EqualFold(value, "keep-alive")
	case "Transfer-Encoding", "Trailer", "Te", "Upgrade", "Expect", "Keep-Alive", "Proxy-Connection", "Pragma", "Http2-Settings":
		return false
	}
	return true
}

// class is a set of bytes.
type class [256]bool

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// What a plain request is made of: names and values of fields as the standard has them, of all else less than it allows.
var (
	inPath   = classOf(alphanumeric + "/-._~:@")
	inQuery  = classOf(alphanumeric + "/-._~:@=&+,;%!*()'$?")
	inToken  = classOf(alphanumeric + "!#$%&'*+-.^_`|~")
	inHost   = classOf(alphanumeric + "-.:[]")
	inNumber = classOf("0123456789")
	inValue  = visible()
)

func classOf(members string) *class {
	var c class
	for _, b := range []byte(members) {
		c[b] = true
	}
	return &c
}

// visible are the bytes of the value of a field. Source: RFC 9110, section 5.5.
func visible() *class {
	var c class
	for b := range c {
		c[b] = b >= ' ' && b != 0x7f || b == '\t'
	}
	return &c
}

func all(text string, in *class) bool {
	for i := range len(text) {
		if !in[text[i]] {
			return false
		}
	}
	return true
}
