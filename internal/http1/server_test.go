package http1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/http1"
	"github.com/gantry-ai/gantry/internal/http1/http1test"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
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

// answers are handlers whose answers must look as those of net/http do.
var answers = map[string]http.HandlerFunc{
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"short":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello") },
	"in pieces": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a")
		_, _ = io.WriteString(w, "b")
	},
	"status": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "x")
	},
	"odd status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) },
	"error":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
	"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"bodiless": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	},
	"not modified": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"a"`)
		w.WriteHeader(http.StatusNotModified)
	},
	"large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 300<<10)) },
	"known length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "200000")
		for range 2 {
			if _, err := w.Write(make([]byte, 100_000)); err != nil {
				panic(err)
			}
		}
	},
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}
	},
	"flushed empty": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }, //nolint:forcetypeassert // of both
	"header too late": func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush() //nolint:forcetypeassert // of both
		w.Header().Set("X-Late", "1")
		_, _ = io.WriteString(w, "x")
	},
	"fields": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Many"] = []string{"a", "b"}
		w.Header().Set("X-Broken", "a\r\nX-Injected: b")
		w.Header().Set("X Bad", "a")
		w.Header().Set("Date", "today")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "x")
	},
	"closes": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "x")
	},
	"does not read": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") },
	"reads": func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		_, again := req.Body.Read(make([]byte, 1))
		_, _ = fmt.Fprintf(w, "%q %v %v %v %s", body, err, again, req.ContentLength, req.Header)
	},
}

func TestAnswersAreThoseOfTheLibrary(t *testing.T) {
	t.Parallel()
	for name, h := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reference := httptest.NewServer(h)
			defer reference.Close()
			want, got := transcript(t, reference.Listener.Addr().String()), transcript(t, http1test.Start(t, h))
			if got != want {
				t.Errorf("answered\n%s\nnet/http answers\n%s", got, want)
			}
		})
	}
}

// transcript is what two requests on one connection are answered.
func transcript(t *testing.T, address string) string {
	t.Helper()
	l, out := dial(t, address), ""
	for range 2 {
		resp, body := l.say(post("hello")).hear()
		if resp.Header.Get("Date") != "today" {
			resp.Header.Del("Date")
		}
		out += fmt.Sprintf("%s %v %v %v %v %.20q %d\n", resp.Status, resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, body, len(body))
		if resp.Close {
			l.closed()
			break
		}
	}
	return out
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

func TestPanicCutsTheAnswer(t *testing.T) {
	t.Parallel()
	address := http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.RawQuery == "begun" {
			_, _ = io.WriteString(w, "half of ")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}))
	if answer, err := io.ReadAll(dial(t, address).say(post(""))); len(answer) > 0 || err != nil {
		t.Errorf("%q %v", answer, err)
	}
	l := dial(t, address).say(strings.Replace(post(""), "/v1/x", "/v1/x?begun", 1))
	resp, err := http.ReadResponse(l.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "half of " || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v", text, err)
	}
}

func TestDeadlineOfAnAnswerCutsIt(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		out := http.NewResponseController(w)
		_, _ = io.WriteString(w, "half of ")
		_ = out.Flush()
		_ = out.SetWriteDeadline(time.Unix(1, 0))
	})))
	resp, err := http.ReadResponse(l.say(post("")).Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "half of " || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v: the end was written behind what is missing", text, err)
	}
}

func TestDeadlinesEndWithTheirRequest(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		out := http.NewResponseController(w)
		_ = errors.Join(out.SetReadDeadline(time.Now().Add(time.Second)), out.SetWriteDeadline(time.Now().Add(time.Second)))
		origin(w, req)
	})))
	for range 2 {
		l.say(post("a")).expect(`http1 POST /v1/x "a" <nil>`)
		<-time.After(1100 * time.Millisecond)
	}
}

// counted tells how much is written at once.
type counted struct {
	*net.TCPConn
	sizes *[]int
	mu    *sync.Mutex
}

func (c counted) Write(b []byte) (int, error) {
	c.mu.Lock()
	*c.sizes = append(*c.sizes, len(b))
	c.mu.Unlock()
	return c.TCPConn.Write(b)
}

// counting is a listener whose connections are counted.
type counting struct {
	net.Listener
	sizes []int
	mu    sync.Mutex
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counted{c.(*net.TCPConn), &l.sizes, &l.mu}, nil //nolint:forcetypeassert // of this listener
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestChunksAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	pieces := []string{"a", strings.Repeat("b", 4095), "", strings.Repeat("c", 200<<10), "data: [DONE]\n\n"}
	watched := &counting{Listener: listen(t)}
	http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := w.(chunker) //nolint:forcetypeassert // a plain request's is
		frame := func(text string) []byte { return append(make([]byte, c.FrameSize()), text...) }
		if req.URL.RawQuery == "length" {
			w.Header().Set("Content-Length", "3")
			if err := errors.Join(c.Chunk(frame("ab")), c.Chunk(frame("c"))); err != nil {
				t.Error(err)
			}
			if err := c.Chunk(frame("d")); !errors.Is(err, http.ErrContentLength) {
				t.Error(err)
			}
			return
		}
		_, _ = io.WriteString(w, "first ")
		for _, p := range pieces {
			if err := c.Chunk(frame(p)); err != nil {
				t.Error(err)
			}
		}
		_ = http.NewResponseController(w).Flush() // there is nothing to be sent
		_, _ = io.WriteString(w, " and the rest as ever")
	})}, watched)
	l := dial(t, watched.Addr().String())
	for range 2 {
		l.say(post("")).expect("first " + strings.Join(pieces, "") + " and the rest as ever")
	}
	l.say(strings.Replace(post(""), "/v1/x", "/v1/x?length", 1)).expect("abc")
	watched.mu.Lock()
	defer watched.mu.Unlock()
	if len(watched.sizes) != 12 || watched.sizes[0] < 100 || watched.sizes[1] != len("00000fff\r\n\r\n")+4095 {
		t.Errorf("the head, what was written and the first chunk are one write, and each further chunk another: %v", watched.sizes)
	}
}

func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	l := listen(t)
	s := http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		<-finish
		_, _ = io.WriteString(w, "done")
	})}, l)
	busy, idle, silent := dial(t, l.Addr().String()), dial(t, l.Addr().String()), dial(t, l.Addr().String())
	idle.say(post(""))
	<-begun
	finish <- struct{}{}
	idle.expect("done")
	busy.say(post(""))
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	idle.closed()
	silent.closed()
	select {
	case err := <-ended:
		t.Fatal("ended before its request:", err)
	case <-time.After(50 * time.Millisecond):
	}
	finish <- struct{}{}
	if resp := busy.expect("done"); !resp.Close {
		t.Error("the last answer does not say so")
	}
	busy.closed()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("a connection is accepted after the end")
	}
}

func TestShutdownEndsInTimeAndCloseCuts(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan error, 1)
	l := listen(t)
	s := http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		close(begun)
		<-req.Context().Done()
		ended <- req.Context().Err()
	})}, l)
	c := dial(t, l.Addr().String()).say(post(""))
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("a request goes on after Close")
	}
	_, _ = c.Read(make([]byte, 1))
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	l := listen(t)
	http1test.Serve(t, &http.Server{Handler: http.HandlerFunc(origin), ReadHeaderTimeout: 50 * time.Millisecond, IdleTimeout: time.Minute}, l)
	dial(t, l.Addr().String()).closed()
	l = listen(t)
	http1test.Serve(t, &http.Server{Handler: http.HandlerFunc(origin), ReadHeaderTimeout: time.Minute, IdleTimeout: 100 * time.Millisecond}, l)
	c := dial(t, l.Addr().String()).say(post("a"))
	c.expect(`http1 POST /v1/x "a" <nil>`)
	c.closed()
}

// failing is a listener that fails some times.
type failing struct {
	net.Listener
	errs []error
}

type temporary struct{ error }

func (temporary) Timeout() bool   { return false }
func (temporary) Temporary() bool { return true }

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return f.Listener.Accept()
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func TestAcceptingGoesOnAfterWhatPasses(t *testing.T) {
	t.Parallel()
	l := &failing{listen(t), []error{temporary{io.ErrNoProgress}, temporary{io.ErrNoProgress}}}
	http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(origin)}, l)
	dial(t, l.Addr().String()).say(post("a")).expect(`http1 POST /v1/x "a" <nil>`)

	broken := &failing{listen(t), []error{io.ErrClosedPipe}}
	s := http1.New(&http.Server{ReadHeaderTimeout: time.Minute}, clock.System)
	if err := s.Serve(broken); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// opaque hides what a connection can do.
type opaque struct{ net.Conn }

type opaqueListener struct{ net.Listener }

func (l opaqueListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return opaque{c}, nil
}

func TestConnectionsThatCannotBeWatchedAreTheLibrarys(t *testing.T) {
	t.Parallel()
	l := opaqueListener{listen(t)}
	http1test.Serve(t, &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(origin)}, l)
	dial(t, l.Addr().String()).say(post("a")).expect(`net/http POST /v1/x "a" <nil>`)
}

func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	address := http1test.Start(t, http.HandlerFunc(origin))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := range 50 {
				body := fmt.Sprint(worker, "-", i, strings.Repeat("y", i*200))
				resp, err := client.Post("http://"+address+"/v1/x", "text/plain", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if want := fmt.Sprintf("http1 POST /v1/x %q <nil>", body); err != nil || string(text) != want {
					t.Errorf("got %.60q (%v)", text, err)
				}
			}
		})
	}
	all.Wait()
}

func TestHandlerThatNeverReturnsEndsItsConnection(t *testing.T) {
	t.Parallel()
	l := dial(t, http1test.Start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() })))
	l.say(post("")).closed()
}
