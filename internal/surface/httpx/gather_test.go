package httpx_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// writes counts the writes to a connection.
type writes struct {
	net.Conn
	sizes chan int
	err   error
}

// CloseWrite counts as a write of less than nothing.
func (w *writes) CloseWrite() error {
	w.sizes <- -1
	c, ok := w.Conn.(*net.TCPConn)
	if !ok {
		return net.ErrClosed
	}
	return c.CloseWrite()
}

func (w *writes) Write(p []byte) (int, error) {
	w.sizes <- len(p)
	if w.err != nil {
		return 0, w.err
	}
	return w.Conn.Write(p)
}

// watched is a listener whose connections tell what is written to them.
type watched struct {
	net.Listener
	sizes chan int
}

func (l watched) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &writes{Conn: c, sizes: l.sizes}, err
}

func gatheringServer(t *testing.T, h http.HandlerFunc) (*httptest.Server, chan int) {
	t.Helper()
	s, sizes := httptest.NewUnstartedServer(h), make(chan int, 1000)
	s.Listener = httpx.Gathering(watched{s.Listener, sizes})
	s.Config.ConnContext = httpx.WithConn
	s.Start()
	t.Cleanup(s.Close)
	return s, sizes
}

func frame(c *httpx.Conn, text string) []byte {
	return append(make([]byte, c.FrameSize()), text...)
}

func TestChunksAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	pieces := []string{"a", strings.Repeat("b", 4095), "", strings.Repeat("c", 200<<10), "data: [DONE]\n\n"}
	s, sizes := gatheringServer(t, func(w http.ResponseWriter, req *http.Request) {
		c := httpx.ConnOf(req)
		c.Hold()
		if err := c.Head(http.NewResponseController(w)); err != nil {
			t.Error(err)
		}
		if err := errors.Join(c.Chunk(frame(c, "first ")), c.Send()); err != nil {
			t.Error(err)
		}
		for _, p := range pieces {
			if err := c.Chunk(frame(c, p)); err != nil {
				t.Error(err)
			}
		}
		_, _ = io.WriteString(w, " and the rest as ever")
	})
	for range 2 { // the second on the same connection
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if want := "first " + strings.Join(pieces, "") + " and the rest as ever"; err != nil || string(body) != want {
			t.Fatalf("%d bytes (%v), want %d", len(body), err, len(want))
		}
	}
	if head, second := <-sizes, <-sizes; head < 100 || second != len("00000001\r\na\r\n") {
		t.Errorf("the header and the first chunk must be one write, and each further chunk another; got %d and %d bytes", head, second)
	}
}

// breaking panics when it is flushed.
type breaking struct{ http.ResponseWriter }

func (breaking) Flush() { panic("broken") }

func TestHeadThatBreaksIsItsCallsAlone(t *testing.T) {
	t.Parallel()
	c := &httpx.Conn{}
	for range 2 {
		if err := c.Head(http.NewResponseController(breaking{})); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("told %v", err)
		}
	}
	if err := c.Head(http.NewResponseController(httptest.NewRecorder())); err != nil {
		t.Errorf("another call's: %v", err)
	}
}

func TestHeldBytesAreOneWrite(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	below := &writes{Conn: ours, sizes: make(chan int, 10)}
	c := &httpx.Conn{Conn: below}
	c.Hold()
	for range 3 {
		if n, err := c.Write([]byte("abc")); n != 3 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n, err := c.Write(make([]byte, 70<<10)); n != 70<<10 || err != nil { // more than is held: goes out, and what was held before
		t.Fatal(n, err)
	}
	_, _ = c.Write([]byte("end"))
	if err := c.Send(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{9, 70 << 10, 3} {
		if got := <-below.sizes; got != want {
			t.Errorf("write %d: %d bytes, want %d", i, got, want)
		}
	}
}

func TestNothingFollowsAFailedWrite(t *testing.T) {
	t.Parallel()
	ours, _ := net.Pipe()
	broken := errors.New("broken")
	below := &writes{Conn: ours, sizes: make(chan int, 10), err: broken}
	c := &httpx.Conn{Conn: below}
	c.Hold()
	_, _ = c.Write([]byte("abc"))
	if err := c.Send(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	below.err = nil
	if _, err := c.Write([]byte("the end of a chunk that nobody saw")); !errors.Is(err, broken) {
		t.Errorf("wrote behind what is missing: %v", err)
	}
}

func TestClientsSeeARefusalWhileTheyAreStillSending(t *testing.T) {
	t.Parallel()
	s, sizes := gatheringServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
		_, _ = c.Write(make([]byte, 4<<20))
	}()
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") {
		t.Errorf("saw %.40q (%v)", answer, err)
	}
	if <-sizes <= 0 || <-sizes != -1 {
		t.Error("the answer was not closed before the connection")
	}
}
