package http1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/http1/http1test"
)

// chunker is what relays ask writers for; only this package's are one, so it tells who serves a request.
type chunker interface {
	FrameSize() int
	Chunk(frame []byte) error
}

// origin answers who serves, and what was sent.
func origin(w http.ResponseWriter, req *http.Request) {
	who := "net/http"
	if _, ok := w.(chunker); ok {
		who = "http1"
	}
	body, err := io.ReadAll(req.Body)
	_, _ = fmt.Fprintf(w, "%s %s %s %q %v", who, req.Method, req.URL.Path, body, err)
}

// line is a client's connection, byte by byte.
type line struct {
	net.Conn
	*bufio.Reader

	t *testing.T
}

func dial(t *testing.T, address string) *line {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &line{c, bufio.NewReader(c), t}
}

func (l *line) Read(p []byte) (int, error) { return l.Reader.Read(p) }

func (l *line) say(text string) *line {
	l.t.Helper()
	if _, err := io.WriteString(l.Conn, text); err != nil {
		l.t.Fatal(err)
	}
	return l
}

// hear reads one answer.
func (l *line) hear() (*http.Response, string) {
	l.t.Helper()
	resp, err := http.ReadResponse(l.Reader, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return resp, string(text)
}

// expect hears an answer with a content.
func (l *line) expect(want string) *http.Response {
	l.t.Helper()
	resp, got := l.hear()
	if got != want {
		l.t.Fatalf("heard %q, want %q", got, want)
	}
	return resp
}

// closed expects that nothing more comes.
func (l *line) closed() {
	l.t.Helper()
	if n, err := l.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		l.t.Fatalf("the connection goes on: %d bytes, %v", n, err)
	}
}

func post(body string, fields ...string) string {
	return fmt.Sprintf("POST /v1/x HTTP/1.1\r\nHost: gantry\r\n%sContent-Length: %d\r\n\r\n%s", strings.Join(append(fields, ""), "\r\n"), len(body), body)
}

func TestPlainRequestsAreAnsweredOnOneConnection(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(origin)))
	for _, body := range []string{"", "abc", strings.Repeat("x", 100<<10), "d"} {
		l.say(post(body)).expect(fmt.Sprintf("http1 POST /v1/x %q <nil>", body))
	}
	l.say(post("one") + post("two") + post("three")) // at once
	for _, body := range []string{"one", "two", "three"} {
		l.expect(fmt.Sprintf("http1 POST /v1/x %q <nil>", body))
	}
	if resp := l.say(post("", "Connection: close")).expect(`http1 POST /v1/x "" <nil>`); !resp.Close {
		t.Error("the answer does not say that it is the last")
	}
	l.closed()
}

// TestBodiesKnowWhetherAllHasCome has a body come with its head, and another in two parts.
func TestBodiesKnowWhetherAllHasCome(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 2)
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, ok := req.Body.(interface{ Whole() bool })
		first := ok && body.Whole()
		asked <- struct{}{}
		content, _ := io.ReadAll(req.Body)
		_, _ = fmt.Fprintf(w, "%s: %v, then %v", content, first, ok && body.Whole())
	})))
	l.say(post("abc")).expect("abc: true, then true")
	<-asked
	whole := post("def")
	l.say(whole[:len(whole)-1])
	<-asked
	l.say(whole[len(whole)-1:]).expect("def: false, then true")
}

func TestOtherRequestsAndWhatFollowsThemAreTheLibrarys(t *testing.T) {
	t.Parallel()
	address := http1test.Start(t, http.HandlerFunc(origin))
	get := "GET /v1/x HTTP/1.1\r\nHost: gantry\r\n\r\n"
	l := dial(t, address).say(post("abc"))
	l.expect(`http1 POST /v1/x "abc" <nil>`)
	l.say(get).expect(`net/http GET /v1/x "" <nil>`)
	l.say(post("abc")).expect(`net/http POST /v1/x "abc" <nil>`)

	l = dial(t, address).say(post("abc") + get + post("def")) // what was read with the first is not lost
	l.expect(`http1 POST /v1/x "abc" <nil>`)
	l.expect(`net/http GET /v1/x "" <nil>`)
	l.expect(`net/http POST /v1/x "def" <nil>`)

	l = dial(t, address).say("POST /v1/x HTTP/1.1\r\nHost: gantry\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	l.expect(`net/http POST /v1/x "abc" <nil>`)

	l = dial(t, address).say("POST /v1/x HT")
	time.AfterFunc(20*time.Millisecond, func() { _, _ = io.WriteString(l.Conn, "TP/1.1\r\nHost: gantry\r\nContent-Length: 1\r\n\r\na") })
	if _, got := l.hear(); !strings.HasSuffix(got, ` POST /v1/x "a" <nil>`) { // whose it is depends on how it came
		t.Errorf("heard %q", got)
	}

	for _, bad := range []string{
		"POST /v1/x HTTP/1.1\r\nContent-Length: 1\r\n\r\na", "POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
		"POST /v1/x HTTP/1.1\r\nHost: a\r\nA\x00: b\r\nContent-Length: 1\r\n\r\na", "\x16\x03\x01",
	} {
		l = dial(t, address).say(bad)
		if c, ok := l.Conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
		if resp, err := http.ReadResponse(l.Reader, nil); err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %v %v", bad, resp, err)
		}
	}
}

func TestBodyThatIsNotReadEndsTheConnection(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})))
	l.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
	go func() { _, _ = l.Conn.Write(make([]byte, 4<<20)) }()
	<-time.After(100 * time.Millisecond) // it looks late
	answer, err := io.ReadAll(l)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") || !strings.Contains(string(answer), "Connection: close\r\n") {
		t.Errorf("saw %.80q (%v)", answer, err)
	}
}

func TestBodyThatIsCutSaysSo(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(origin)))
	l.say("POST /v1/x HTTP/1.1\r\nHost: gantry\r\nContent-Length: 10\r\n\r\nabc")
	if c, ok := l.Conn.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
	l.expect(`http1 POST /v1/x "abc" unexpected EOF`)
	l.closed()
}

func TestClientWhoLeavesEndsItsRequest(t *testing.T) {
	t.Parallel()
	gone := make(chan time.Time, 1)
	address := http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.ReadAll(req.Body)
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
		gone <- time.Now()
	}))
	for _, body := range []string{"", "abc", strings.Repeat("x", 100<<10)} {
		for _, pause := range []time.Duration{0, 120 * time.Millisecond} { // before and while the client is watched
			l := dial(t, address).say(post(body))
			if _, err := http.ReadResponse(l.Reader, nil); err != nil {
				t.Fatal(err)
			}
			<-time.After(pause)
			left := time.Now()
			_ = l.Conn.Close()
			if took := (<-gone).Sub(left); took > 5*time.Second { // the relay's tests have the limit
				t.Errorf("noticed after %v", took)
			}
		}
	}
}

func TestWatchedConnectionServesOn(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		<-time.After(120 * time.Millisecond)
		_, _ = fmt.Fprintf(w, "%s %v", body, req.Context().Err())
	})))
	l.say(post("a")).expect("a <nil>")
	l.say(post("b") + post("c")).expect("b <nil>") // what it sent meanwhile is not its end
	l.expect("c <nil>")
	l.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nd")
	<-time.After(150 * time.Millisecond) // a body that is on its way is not watched
	l.say("e").expect("de <nil>")
}

func TestRequestEndsWithItsHandler(t *testing.T) {
	t.Parallel()
	kept := make(chan func() (error, error, error), 1)
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		kept <- func() (error, error, error) {
			_, wrote := w.Write([]byte("late"))
			_, read := req.Body.Read(make([]byte, 1))
			return wrote, read, req.Context().Err()
		}
	})))
	l.say(post("a")).expect("")
	if wrote, read, ended := (<-kept)(); wrote == nil || !errors.Is(read, http.ErrBodyReadAfterClose) || !errors.Is(ended, context.Canceled) {
		t.Errorf("wrote %v, read %v, ended %v", wrote, read, ended)
	}
	l.say(post("b")).expect("")
}

func TestHandlerThatNeverReturnsEndsItsConnection(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() })))
	l.say(post("")).closed()
}
