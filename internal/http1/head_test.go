package http1

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const plainHead = "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: gantry:8080\r\nauthorization: Bearer k\r\nX-A: 1\r\nx-a:2 \r\n" +
	"Connection: Keep-Alive\r\nContent-Length: 11\r\n\r\n"

// FuzzHeadIsWhatTheLibraryReads holds what is taken for a plain request against net/http's reading of the same bytes: whoever is
// before us, and reads as the standard says, must not see another request.
func FuzzHeadIsWhatTheLibraryReads(f *testing.F) {
	for _, head := range append(unusual(), plainHead) {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := new(http.Request)
		n := parseHead(got, b)
		if n == 0 {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			t.Fatalf("taken, but net/http says %v", err)
		}
		if int64(len(b)-n) >= want.ContentLength { // and the next request begins where net/http says
			r := bufio.NewReader(bytes.NewReader(b))
			if want, err = http.ReadRequest(r); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b[n:], rest(t, r)) {
				t.Error("the head ends elsewhere")
			}
		}
		if got.Method != want.Method || *got.URL != *want.URL || got.RequestURI != want.RequestURI || got.Host != want.Host ||
			got.ContentLength != want.ContentLength || got.Close != want.Close || got.Proto != want.Proto ||
			len(want.TransferEncoding) > 0 || len(want.Trailer) > 0 || !reflect.DeepEqual(got.Header, want.Header) {
			t.Errorf("read %+v\nwant %+v", got, want)
		}
	})
}

// rest is what was not read of the bytes; the body's reader has read none.
func rest(t *testing.T, r *bufio.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unusual are heads that are net/http's to read.
func unusual() (out []string) {
	with := func(fields ...string) string {
		return "POST /v1/chat/completions HTTP/1.1\r\nHost: gantry\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
	}
	line := func(l string) string { return l + "\r\nHost: gantry\r\nContent-Length: 1\r\n\r\n" }
	for _, fields := range [][]string{
		{"A: b"},
		{"Content-Length: 1", "Content-Length: 1"},
		{"Content-Length: +1"},
		{"Content-Length: -1"},
		{"Content-Length: 1, 1"},
		{"Content-Length: 0x1"},
		{"Content-Length:"},
		{"Content-Length: 9999999999999999"},
		{"Content-Length: 1", "Transfer-Encoding: chunked"},
		{"Content-Length: 1", "transfer-encoding: identity"},
		{"Content-Length: 1", "Transfer-Encoding : chunked"},
		{"Content-Length : 1"},
		{" Content-Length: 1"},
		{"Content-Length: 1", "A: b", " c"},
		{"Content-Length: 1", "Expect: 100-continue"},
		{"Content-Length: 1", "Upgrade: websocket"},
		{"Content-Length: 1", "Connection: upgrade"},
		{"Content-Length: 1", "Connection: close, te"},
		{"Content-Length: 1", "Connection: close", "Connection: keep-alive"},
		{"Content-Length: 1", "Trailer: A"},
		{"Content-Length: 1", "Pragma: no-cache"},
		{"Content-Length: 1", "A\x00: b"},
		{"Content-Length: 1", "A: b\x00c"},
		{"Content-Length: 1", "A: b\nTransfer-Encoding: chunked"},
		{"Content-Length: 1", "A: b\rc"},
		{"Content-Length: 1", ": b"},
		{"Content-Length: 1", "A"},
		{"Content-Length: 1", "Host: other"},
		{"Content-Length: 1", "Ä: b"},
		{"Content-Length: 1", "A B: c"},
	} {
		out = append(out, with(fields...))
	}
	for _, l := range []string{
		"GET / HTTP/1.1", "POST / HTTP/1.0", "POST / HTTP/2.0", "POST  / HTTP/1.1", "POST /  HTTP/1.1", "post / HTTP/1.1", "POST * HTTP/1.1",
		"POST http://other/ HTTP/1.1", "POST //other/ HTTP/1.1", "POST /a%2Fb HTTP/1.1", "POST /a#b HTTP/1.1", "POST /a? HTTP/1.1",
		"POST /a\tb HTTP/1.1", "POST /ä HTTP/1.1", "POST a HTTP/1.1", "POST / HTTP/1.1 ", " POST / HTTP/1.1", "\r\nPOST / HTTP/1.1", "POST / HTTP/1.1\n",
	} {
		out = append(out, line(l))
	}
	return append(out, "", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: \r\nContent-Length: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a/b\r\nContent-Length: 1\r\n\r\n", "POST / HTTP/1.1\nHost: a\nContent-Length: 1\n\n", plainHead[:len(plainHead)-2])
}

func TestUnusualHeadsAreLeftToTheLibrary(t *testing.T) {
	t.Parallel()
	for _, head := range unusual() {
		if n := parseHead(new(http.Request), []byte(head)); n != 0 {
			t.Errorf("taken: %q", head)
		}
	}
	if n := parseHead(new(http.Request), []byte(plainHead+"hello world")); n != len(plainHead) {
		t.Fatal("not taken, or not whole:", n)
	}
}
