package transport

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const plainHead = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-type: application/json\r\nX-A: 1\r\nx-a:2 \r\n" +
	"Connection: Keep-Alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 11\r\n\r\n"

// unusual are heads that are the library's to read.
func unusual() (out []string) {
	for _, fields := range []string{
		"A: b", // no length
		"Content-Length: 1\r\nContent-Length: 1",
		"Content-Length: +1", "Content-Length: -1", "Content-Length: 1, 1", "Content-Length: 0x1", "Content-Length:", "Content-Length : 1",
		"Content-Length: 9999999999999999",
		"Content-Length: 1\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 1",
		"Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
		"Transfer-Encoding : chunked", "Transfer-Encoding: chunked\r\nTrailer: A",
		"Content-Length: 1\r\nA: b\r\n c", " Content-Length: 1", "Content-Length: 1\r\nA: b\nTransfer-Encoding: chunked",
		"Content-Length: 1\r\nA: b\rc", "Content-Length: 1\r\nA: b\x00c", "Content-Length: 1\r\nA\x00: b", "Content-Length: 1\r\n: b",
		"Content-Length: 1\r\nA", "Content-Length: 1\r\nÄ: b", "Content-Length: 1\r\nA B: c",
		"Content-Length: 1\r\nConnection: upgrade", "Content-Length: 1\r\nConnection: close, te",
		"Content-Length: 1\r\nConnection: close", "Content-Length: 1\r\nConnection: keep-alive\r\nConnection: keep-alive", "Content-Length: 1\r\nUpgrade: websocket",
		"Content-Length: 1\r\nPragma: no-cache",
	} {
		out = append(out, "HTTP/1.1 200 OK\r\n"+fields+"\r\n\r\n")
	}
	for _, line := range []string{
		"HTTP/1.1 100 Continue", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 103 Early Hints", "HTTP/1.1 204 No Content",
		"HTTP/1.1 304 Not Modified", "HTTP/1.0 200 OK", "HTTP/2 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
		"HTTP/1.1 +20 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200 OK\x00", "HTTP/1.1 200 OK\n", "HTTP/1.1", "HTTP/1.1 ",
		"http/1.1 200 OK", " HTTP/1.1 200 OK", "ICY 200 OK", "\r\nHTTP/1.1 200 OK", "",
	} {
		out = append(out, line+"\r\nContent-Length: 1\r\n\r\n")
	}
	return append(out, "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 1\n\n", plainHead[:len(plainHead)-2])
}

func TestUnusualHeadsAreLeftToTheLibrary(t *testing.T) {
	t.Parallel()
	for _, head := range unusual() {
		if n := parseHead(new(http.Response), []byte(head)); n != 0 {
			t.Errorf("taken: %q", head)
		}
	}
	for _, head := range []string{
		plainHead, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 429 Too Many Requests\r\ntransfer-encoding: Chunked\r\nconnection: keep-alive\r\n\r\n",
	} {
		if n := parseHead(new(http.Response), []byte(head+"hello world")); n != len(head) {
			t.Errorf("not taken, or not whole: %d of %q", n, head)
		}
	}
}

// FuzzHeadIsWhatTheLibraryReads holds what is taken for a plain answer against net/http's reading of the same bytes: where an answer
// ends must not be a question between us and who is before the upstream.
func FuzzHeadIsWhatTheLibraryReads(f *testing.F) {
	for _, head := range append(unusual(), plainHead, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") {
		f.Add([]byte(head))
	}
	req := &http.Request{Method: http.MethodPost}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got http.Response
		n := parseHead(&got, b)
		if n == 0 {
			return
		}
		r := bufio.NewReader(bytes.NewReader(b))
		want, err := http.ReadResponse(r, req)
		if err != nil {
			t.Fatalf("taken, but net/http says %v", err)
		}
		if rest, _ := io.ReadAll(r); !bytes.Equal(b[n:], rest) {
			t.Error("the head ends elsewhere")
		}
		got.Request, got.Body = want.Request, want.Body
		if !reflect.DeepEqual(&got, want) {
			t.Errorf("read %+v\nwant %+v", &got, want)
		}
	})
}

// TestHeadsInPieces has the head of an answer come in two parts, wherever it is cut: the library waits for the rest.
func TestHeadsInPieces(t *testing.T) {
	t.Parallel()
	req := &http.Request{Method: http.MethodPost}
	for cut := range len(plainHead) {
		r := bufio.NewReader(io.MultiReader(strings.NewReader(plainHead[:cut]), strings.NewReader(plainHead[cut:]+"hello world")))
		var resp http.Response
		if err := readHead(r, req, &resp); err != nil || resp.ContentLength != 11 || len(resp.Header["X-A"]) != 2 {
			t.Fatalf("cut at %d: %v, %+v", cut, err, resp)
		}
		if rest, _ := io.ReadAll(r); string(rest) != "hello world" {
			t.Fatalf("cut at %d: the body is %q", cut, rest)
		}
	}
}

// TestTheFirstByteComesWithTheRest is what a head needs that is read where it stands: over TLS its first byte was read before.
func TestTheFirstByteComesWithTheRest(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		_, _ = io.WriteString(far, plainHead[1:])
		_ = far.Close()
	}()
	c := &conn{Conn: near, first: []byte(plainHead[:1]), budget: maxHeader}
	b := make([]byte, readSize)
	n, err := c.Read(b)
	if err != nil || string(b[:n]) != plainHead {
		t.Errorf("%v: %q", err, b[:n])
	}
	if n, err = c.Read(b); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("behind it: %d, %v", n, err)
	}
}
