package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/provider/transport"
)

// counted is a server that counts its connections.
func counted(t *testing.T, secure bool, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	var n atomic.Int64
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, &n
}

func newTransport(t *testing.T, o transport.Options) *transport.Transport {
	t.Helper()
	tr := transport.New(o)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func post(ctx context.Context, t *testing.T, url string, body []byte) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func read(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, "%s %s %s %q %s", r.Method, r.Host, r.URL.RequestURI(), r.Header.Get("X-One"), body)
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		s, conns := counted(t, secure, echo)
		o := transport.Options{}
		if secure {
			o.TLS = s.Client().Transport.(*http.Transport).TLSClientConfig //nolint:forcetypeassert // httptest says so
		}
		tr := newTransport(t, o)
		for i := range 5 {
			body := strings.Repeat("x", i*20_000)
			req := post(t.Context(), t, s.URL+"/a%2Fb?c=d", []byte(body))
			req.Header.Set("X-One", "1")
			resp, err := tr.RoundTrip(req)
			want := fmt.Sprintf("POST %s /a%%2Fb?c=d \"1\" %s", req.URL.Host, body)
			if got := read(t, resp, err); got != want {
				t.Fatalf("got %.80s, want %.80s", got, want)
			}
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/models", nil)
		resp, err := tr.RoundTrip(req)
		read(t, resp, err)
		if n := conns.Load(); n != 1 {
			t.Errorf("%d connections for calls one after the other", n)
		}
	}
}

// TestAnswersAsTheStandardTransportGivesThem compares random answers, byte by byte, over shared connections.
func TestAnswersAsTheStandardTransportGivesThem(t *testing.T) {
	t.Parallel()
	s, _ := counted(t, false, func(w http.ResponseWriter, r *http.Request) {
		var seed uint64
		_, _ = fmt.Sscan(r.URL.Query().Get("seed"), &seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		body, _ := io.ReadAll(r.Body)
		if rnd.IntN(8) == 0 {
			w.Header().Set("Connection", "close")
		}
		if rnd.IntN(4) == 0 {
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Set("X-Seen", fmt.Sprint(len(body)))
		switch rnd.IntN(6) {
		case 0:
			w.WriteHeader(http.StatusNoContent)
			return
		case 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "short")
			return
		}
		for range rnd.IntN(6) {
			_, _ = w.Write(bytes.Repeat([]byte("chunk "), rnd.IntN(3000)))
			_ = http.NewResponseController(w).Flush()
		}
	})
	standard := s.Client().Transport
	tr := newTransport(t, transport.Options{})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 50 {
				target := fmt.Sprintf("%s/?seed=%d", s.URL, worker*1000+i)
				body := bytes.Repeat([]byte("b"), i*500)
				want, err1 := standard.RoundTrip(post(t.Context(), t, target, body))
				got, err2 := tr.RoundTrip(post(t.Context(), t, target, body))
				if err1 != nil || err2 != nil {
					t.Error(err1, err2)
					return
				}
				w, err1 := io.ReadAll(want.Body)
				g, err2 := io.ReadAll(got.Body)
				_, _ = want.Body.Close(), got.Body.Close()
				if err1 != nil || err2 != nil || !bytes.Equal(w, g) || want.StatusCode != got.StatusCode ||
					want.Header.Get("X-Seen") != got.Header.Get("X-Seen") || want.ContentLength != got.ContentLength {
					t.Errorf("%s: %d bytes %d %v, want %d bytes %d %v", target, len(g), got.StatusCode, err2, len(w), want.StatusCode, err1)
				}
			}
		})
	}
	all.Wait()
}

func TestCancelEndsEverything(t *testing.T) {
	t.Parallel()
	left := make(chan struct{}, 2)
	began := make(chan struct{}, 2)
	s, conns := counted(t, false, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		if r.URL.Path == "/stream" {
			_, _ = io.WriteString(w, "begin")
			_ = http.NewResponseController(w).Flush()
		}
		began <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	tr := newTransport(t, transport.Options{})
	cause := errors.New("deadline of a step")

	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-began; cancel(cause) }()
	_, err := tr.RoundTrip(post(ctx, t, s.URL+"/silent", []byte("{}")))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("before the answer: %v", err)
	}
	<-left

	ctx, cancel = context.WithCancelCause(t.Context())
	resp, err := tr.RoundTrip(post(ctx, t, s.URL+"/stream", []byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	<-began
	cancel(cause)
	if _, err = io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("in the answer: %v", err)
	}
	_ = resp.Body.Close()
	<-left
	if conns.Load() != 2 {
		t.Errorf("%d connections: one that was cancelled was used again", conns.Load())
	}
}

func TestBodyThatIsLeftUnreadEndsItsConnection(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s, conns := counted(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/endless" {
			defer close(gone)
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil || r.Context().Err() != nil {
					return
				}
			}
		}
		echo(w, r)
	})
	tr := newTransport(t, transport.Options{})
	resp, err := tr.RoundTrip(post(t.Context(), t, s.URL+"/endless", nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = resp.Body.Close()
	<-gone
	resp, err = tr.RoundTrip(post(t.Context(), t, s.URL+"/", nil))
	read(t, resp, err)
	if conns.Load() != 2 {
		t.Errorf("%d connections", conns.Load())
	}
}

// script is a server that answers each connection with fixed bytes once it has read something, and closes it.
func script(t *testing.T, answers ...string) (target string, closed <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	ends := make(chan struct{}, len(answers))
	go func() {
		for _, answer := range answers {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
			ends <- struct{}{}
		}
	}()
	return "http://" + l.Addr().String(), ends
}

func TestServerThatClosesIdleConnections(t *testing.T) {
	t.Parallel()
	ok := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	target, closed := script(t, ok, ok, ok)
	tr := newTransport(t, transport.Options{})
	for range 3 {
		resp, err := tr.RoundTrip(post(t.Context(), t, target, []byte("x")))
		if got := read(t, resp, err); got != "ok" {
			t.Fatalf("got %q", got)
		}
		<-closed
	}
}

func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing": "", "no HTTP": "hello\r\n\r\n", "cut head": "HTTP/1.1 200 OK\r\nContent-Le",
		"endless head": "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Pad: "+strings.Repeat("a", 1000)+"\r\n", 200) + "\r\n",
	} {
		tr := newTransport(t, transport.Options{})
		target, _ := script(t, answer)
		resp, err := tr.RoundTrip(post(t.Context(), t, target, []byte("x")))
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	tr := newTransport(t, transport.Options{})
	target, _ := script(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	resp, err := tr.RoundTrip(post(t.Context(), t, target, []byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(text) != "half" {
		t.Errorf("cut body: %q, %v", text, err)
	}
	_ = resp.Body.Close()
}

// TestRefusalBeforeTheWholeRequestWasRead: the answer counts, not that the rest could not be sent.
func TestRefusalBeforeTheWholeRequestWasRead(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		if half, ok := c.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
		_, _ = io.CopyN(io.Discard, c, 1<<20) // so that the answer is not lost in a reset
		_ = c.Close()
	}()
	tr := newTransport(t, transport.Options{})
	resp, err := tr.RoundTrip(post(t.Context(), t, "http://"+l.Addr().String(), make([]byte, 64<<20)))
	if got := read(t, resp, err); got != "big" || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %q", resp.StatusCode, got)
	}
}

// TestRequestsOfAllLengths has bodies end before, at and behind the end of what is sent at once.
func TestRequestsOfAllLengths(t *testing.T) {
	t.Parallel()
	s, conns := counted(t, false, echo)
	tr := newTransport(t, transport.Options{})
	for n := 15_900; n < 16_700; n += 7 {
		body := bytes.Repeat([]byte("0123456789"), n/10+1)[:n]
		resp, err := tr.RoundTrip(post(t.Context(), t, s.URL, body))
		if got := read(t, resp, err); !strings.HasSuffix(got, string(body)) {
			t.Fatalf("of %d bytes %d came", n, len(got))
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	for _, c := range []struct{ length, told int }{{10, 20}, {0, 5}, {100_000, 100_001}, {100_000, 99_999}} {
		req := post(t.Context(), t, s.URL, bytes.Repeat([]byte("b"), max(1, c.length)))
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, c.length))), int64(c.told)
		resp, err := tr.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if short := c.length < c.told; short != errors.Is(err, io.ErrUnexpectedEOF) || err == nil && !resp.Close {
			t.Errorf("%d bytes that were told to be %d: %v", c.length, c.told, err)
		}
	}
}

func TestUnknownLengthsAndSchemes(t *testing.T) {
	t.Parallel()
	s, _ := counted(t, false, echo)
	tr := newTransport(t, transport.Options{})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/", io.MultiReader(strings.NewReader("of unknown length")))
	resp, err := tr.RoundTrip(req)
	if got := read(t, resp, err); !strings.HasSuffix(got, "of unknown length") {
		t.Errorf("got %q", got)
	}
	if _, err := tr.RoundTrip(post(t.Context(), t, "ftp://127.0.0.1/", nil)); err == nil {
		t.Error("ftp was spoken")
	}
}

type fallback struct{ calls int }

func (f *fallback) RoundTrip(*http.Request) (*http.Response, error) {
	f.calls++
	return &http.Response{StatusCode: http.StatusTeapot, Body: http.NoBody}, nil
}

func TestProxiedHostsGoElsewhere(t *testing.T) {
	t.Parallel()
	f := &fallback{}
	asked := 0
	tr := newTransport(t, transport.Options{Fallback: f, Proxy: func(r *http.Request) (*url.URL, error) {
		asked++
		return url.Parse("http://proxy.example:3128")
	}})
	for range 2 {
		resp, err := tr.RoundTrip(post(t.Context(), t, "http://upstream.example/", nil))
		if err != nil || resp.StatusCode != http.StatusTeapot {
			t.Fatal(resp, err)
		}
		_ = resp.Body.Close()
	}
	if f.calls != 2 || asked != 1 {
		t.Errorf("%d calls, asked %d times", f.calls, asked)
	}
}

func TestDialThatFails(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	tr := newTransport(t, transport.Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
	if _, err := tr.RoundTrip(post(t.Context(), t, "http://upstream.example/", nil)); !errors.Is(err, refused) {
		t.Error(err)
	}
	s, _ := counted(t, true, echo)
	if _, err := newTransport(t, transport.Options{}).RoundTrip(post(t.Context(), t, s.URL, nil)); err == nil {
		t.Error("a certificate that nobody vouches for was taken")
	}
}

func TestDialsAddressesAndNames(t *testing.T) {
	t.Parallel()
	s, _ := counted(t, false, echo)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tr := newTransport(t, transport.Options{})
	for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "localhost"} {
		resp, err := tr.RoundTrip(post(t.Context(), t, "http://"+host+":"+port, []byte("hello")))
		if got := read(t, resp, err); !strings.Contains(got, "hello") {
			t.Errorf("%s: %q", host, got)
		}
	}
	s.Close()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		req := post(t.Context(), t, "http://"+host+":"+port, nil)
		if resp, err := newTransport(t, transport.Options{}).RoundTrip(req); !errors.Is(err, syscall.ECONNREFUSED) || resp != nil {
			t.Errorf("%s, where nobody listens: %v, %v", host, resp, err)
		}
	}
}

func TestIdleConnectionsAreClosedInTime(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	tr := newTransport(t, transport.Options{Idle: 20 * time.Millisecond})
	resp, err := tr.RoundTrip(post(t.Context(), t, s.URL, nil))
	read(t, resp, err)
	<-closed
}

func TestAnswersThatComeLate(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls ", secure), func(t *testing.T) {
			t.Parallel()
			came, think := make(chan struct{}), make(chan struct{})
			s, connections := counted(t, secure, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				came <- struct{}{}
				<-think
				_, _ = w.Write(body)
			})
			o := transport.Options{}
			if secure {
				trusting, _ := s.Client().Transport.(*http.Transport)
				o.TLS = trusting.TLSClientConfig
			}
			tr := newTransport(t, o)
			for _, text := range []string{"one", strings.Repeat("two", 10000), ""} {
				go func() {
					<-came
					think <- struct{}{}
				}()
				resp, err := tr.RoundTrip(post(t.Context(), t, s.URL, []byte(text)))
				if got := read(t, resp, err); got != text {
					t.Errorf("%d bytes, want %d", len(got), len(text))
				}
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// onWait asks a body to tell before it waits, if it can.
func onWait(resp *http.Response, tell func() error) bool {
	w, ok := resp.Body.(interface{ OnWait(tell func() error) bool })
	return ok && w.OnWait(tell)
}

func TestBodiesTellBeforeTheyWait(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls ", secure), func(t *testing.T) {
			t.Parallel()
			next := make(chan struct{})
			s, _ := counted(t, secure, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				out := http.NewResponseController(w)
				for _, text := range []string{"one ", "two ", "three"} {
					_, _ = io.WriteString(w, text)
					_ = out.Flush()
					<-next // until somebody waits for more
				}
			})
			o := transport.Options{}
			if secure {
				trusting, _ := s.Client().Transport.(*http.Transport)
				o.TLS = trusting.TLSClientConfig
			}
			resp, err := newTransport(t, o).RoundTrip(post(t.Context(), t, s.URL, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			told := 0
			ok := onWait(resp, func() error {
				told++
				next <- struct{}{}
				return nil
			})
			body, err := io.ReadAll(resp.Body)
			if !ok || err != nil || string(body) != "one two three" {
				t.Fatalf("%v, %q, %v", ok, body, err)
			}
			if told < 3 || told > 4 { // the first text may have come with the header, or not
				t.Errorf("told %d times that it waits", told)
			}
		})
	}
}

func TestWhoIsToldMayEndTheBody(t *testing.T) {
	t.Parallel()
	s, connections := counted(t, false, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/whole" {
			return
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	tr := newTransport(t, transport.Options{})
	resp, err := tr.RoundTrip(post(t.Context(), t, s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if !onWait(resp, func() error { return enough }) {
		t.Fatal("the body does not tell")
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, enough) {
		t.Errorf("ended with %v", err)
	}
	_ = resp.Body.Close()
	for range 2 { // a body that ended so ends its connection; others do not tell
		resp, err := tr.RoundTrip(post(t.Context(), t, s.URL+"/whole", nil))
		read(t, resp, err)
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}
